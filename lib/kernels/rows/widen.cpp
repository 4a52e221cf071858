#include "kernels/rows/widen.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "core/half.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/widen.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "kernels/vector/half-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Loads one vector of elements.
HWY_INLINE Vec Load(const float* from) {
  return hn::LoadU(Floats(), from);
}
HWY_INLINE Vec Load(const double* from) {
  const Floats d;
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(d, static_cast<float>(*from));
#else
  const hn::Repartition<double, Floats> wide;
  const hn::Half<Floats> half;
  const std::size_t lanes = hn::Lanes(wide);
  return hn::Combine(d, hn::DemoteTo(half, hn::LoadU(wide, from + lanes)),
                     hn::DemoteTo(half, hn::LoadU(wide, from)));
#endif
}
HWY_INLINE Vec LoadBf16(const std::uint16_t* from) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> words;
  const hn::Rebind<std::uint16_t, Floats> halves;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(words, hn::LoadU(halves, from))));
}

// Stores `count` values and finds their range: load(i) gives the vector from value i on, value(i) value i
// alone.
template <class LoadAt, class ValueAt>
HWY_INLINE RowRange Widen(std::size_t count, float* to, const LoadAt& load, const ValueAt& value) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Vec zero = hn::Zero(d);
  Vec smallest[2] = {hn::Set(d, kInfinity), hn::Set(d, kInfinity)};
  Vec largest[2] = {hn::Set(d, -kInfinity), hn::Set(d, -kInfinity)};
  Vec nothing[2] = {zero, zero};  // value * 0 is NaN for NaN and infinity
  const auto take = [&](std::size_t j, std::size_t i) HWY_ATTR {
    const Vec v = load(j);
    hn::StoreU(v, d, to + j);
    smallest[i] = hn::Min(smallest[i], v);
    largest[i] = hn::Max(largest[i], v);
    nothing[i] = hn::MulAdd(v, zero, nothing[i]);
  };
  std::size_t j = 0;
  for (; j + 2 * lanes <= count; j += 2 * lanes) {
    take(j, 0);
    take(j + lanes, 1);
  }
  RowRange range{hn::GetLane(hn::MinOfLanes(d, hn::Min(smallest[0], smallest[1]))),
                 hn::GetLane(hn::MaxOfLanes(d, hn::Max(largest[0], largest[1]))), true};
  float rest = hn::GetLane(hn::SumOfLanes(d, hn::Add(nothing[0], nothing[1])));
  for (; j < count; ++j) {
    to[j] = value(j);
    range.smallest = std::min(range.smallest, to[j]);
    range.largest = std::max(range.largest, to[j]);
    rest += to[j] * 0.0F;
  }
  range.finite = rest == 0.0F;
  return range;
}

RowRange WidenF16(const std::uint16_t* from, float* to, std::size_t count) {
  return Widen(
      count, to, [from](std::size_t j) HWY_ATTR { return LoadF16(from + j); },
      [from](std::size_t j) { return float_from_f16(from[j]); });
}
RowRange WidenBf16(const std::uint16_t* from, float* to, std::size_t count) {
  return Widen(
      count, to, [from](std::size_t j) HWY_ATTR { return LoadBf16(from + j); },
      [from](std::size_t j) { return float_from_bf16(from[j]); });
}
RowRange WidenF64(const double* from, float* to, std::size_t count) {
  return Widen(
      count, to, [from](std::size_t j) HWY_ATTR { return Load(from + j); },
      [from](std::size_t j) { return static_cast<float>(from[j]); });
}
RowRange CopyF32(const float* from, float* to, std::size_t count) {
  return Widen(
      count, to, [from](std::size_t j) HWY_ATTR { return Load(from + j); },
      [from](std::size_t j) { return from[j]; });
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(WidenF16);
HWY_EXPORT(WidenBf16);
HWY_EXPORT(WidenF64);
HWY_EXPORT(CopyF32);

RowRange widen_f16(std::span<const std::uint16_t> from, std::span<float> to) {
  assert(from.size() == to.size());
  return HWY_DYNAMIC_DISPATCH(WidenF16)(from.data(), to.data(), to.size());
}

RowRange widen_bf16(std::span<const std::uint16_t> from, std::span<float> to) {
  assert(from.size() == to.size());
  return HWY_DYNAMIC_DISPATCH(WidenBf16)(from.data(), to.data(), to.size());
}

RowRange widen_f64(std::span<const double> from, std::span<float> to) {
  assert(from.size() == to.size());
  return HWY_DYNAMIC_DISPATCH(WidenF64)(from.data(), to.data(), to.size());
}

RowRange copy_f32(std::span<const float> from, std::span<float> to) {
  assert(from.size() == to.size());
  return HWY_DYNAMIC_DISPATCH(CopyF32)(from.data(), to.data(), to.size());
}

}  // namespace toptheta
#endif  // HWY_ONCE
