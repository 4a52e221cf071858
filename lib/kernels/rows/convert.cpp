#include "kernels/rows/convert.hpp"

#include <cassert>
#include <cstddef>

#include "core/half.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/convert.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "kernels/vector/half-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;

void FromF16(const std::uint16_t* from, float* to, std::size_t count) {
  const Floats df;
  const Words du;
  const Halves dh;
  const std::size_t lanes = hn::Lanes(df);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(FloatFromF16(hn::PromoteTo(du, hn::LoadU(dh, from + i))), df, to + i);
  for (; i < count; ++i)
    to[i] = float_from_f16(from[i]);
}

void FromBf16(const std::uint16_t* from, float* to, std::size_t count) {
  const Floats df;
  const Words du;
  const Halves dh;
  const std::size_t lanes = hn::Lanes(df);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, from + i)));
    hn::StoreU(hn::BitCast(df, bits), df, to + i);
  }
  for (; i < count; ++i)
    to[i] = float_from_bf16(from[i]);
}

void ToBf16(const float* from, std::uint16_t* to, std::size_t count) {
  const Floats df;
  const Words du;
  const Halves dh;
  const hn::RebindToSigned<Floats> di;
  const std::size_t lanes = hn::Lanes(df);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::BitCast(du, hn::LoadU(df, from + i));
    // Half a unit in the last place, less one where that place is even, so that ties go to even.
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1U));
    const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFFU)));
    const auto magnitude = hn::BitCast(di, hn::And(bits, hn::Set(du, 0x7FFFFFFFU)));
    const auto is_nan = hn::RebindMask(du, hn::Gt(magnitude, hn::Set(di, 0x7F800000)));
    const auto quiet = hn::Or(bits, hn::Set(du, 0x00400000U));
    const auto upper = hn::ShiftRight<16>(hn::IfThenElse(is_nan, quiet, rounded));
    // The value fits 16 bits. Narrowing it as a signed 32-bit integer would saturate values above 0x7FFF.
    hn::StoreU(hn::TruncateTo(dh, upper), dh, to + i);
  }
  for (; i < count; ++i)
    to[i] = bf16_from_float(from[i]);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(FromF16);
HWY_EXPORT(FromBf16);
HWY_EXPORT(ToBf16);

void floats_from_f16(std::span<const std::uint16_t> from, std::span<float> to) {
  assert(from.size() == to.size());
  HWY_DYNAMIC_DISPATCH(FromF16)(from.data(), to.data(), to.size());
}

void floats_from_bf16(std::span<const std::uint16_t> from, std::span<float> to) {
  assert(from.size() == to.size());
  HWY_DYNAMIC_DISPATCH(FromBf16)(from.data(), to.data(), to.size());
}

void bf16_from_floats(std::span<const float> from, std::span<std::uint16_t> to) {
  assert(from.size() == to.size());
  HWY_DYNAMIC_DISPATCH(ToBf16)(from.data(), to.data(), to.size());
}

void floats_from_f64(std::span<const double> from, std::span<float> to) {
  assert(from.size() == to.size());
  // A plain loop: compilers vectorise it, and it rounds and overflows as the language defines on every
  // instruction set.
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<float>(from[i]);
}

}  // namespace toptheta
#endif  // HWY_ONCE
