#include "kernels/rows/int8_row.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/int8_row.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToSigned<Floats>;
using Bytes = hn::Rebind<std::int8_t, Floats>;
constexpr float kMostCode = 127;

// The largest magnitude; NaN where some number is not finite.
HWY_INLINE float LargestMagnitude(const float* from, std::int64_t count) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto largest = hn::Zero(d);
  auto nothing = hn::Zero(d);  // stays 0 unless a value is infinite or NaN
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, from + i);
    largest = hn::Max(largest, hn::Abs(x));
    nothing = hn::MulAdd(x, hn::Zero(d), nothing);
  }
  float most = hn::GetLane(hn::MaxOfLanes(d, largest));
  float none = hn::GetLane(hn::SumOfLanes(d, nothing));
  for (; i < count; ++i) {
    most = std::max(most, std::abs(from[i]));
    none += from[i] * 0;
  }
  return none == 0 ? most : std::numeric_limits<float>::quiet_NaN();
}

float CodeRow(const float* from, std::int64_t count, std::int8_t* codes) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float scale = LargestMagnitude(from, count) / kMostCode;
  if (!(scale > 0)) {
    std::fill_n(codes, count, std::int8_t{0});
    return scale;
  }
  const auto by = hn::Set(d, scale);
  const auto most = hn::Set(d, kMostCode);
  const auto code = [&](auto x) HWY_ATTR {
    // A subnormal scale may be much too small, so quotients are clamped.
    return hn::NearestInt(hn::Max(hn::Min(hn::Div(x, by), most), hn::Neg(most)));
  };
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::DemoteTo(Bytes(), code(hn::LoadU(d, from + i))), Bytes(), codes + i);
  for (; i < count; ++i)
    codes[i] = static_cast<std::int8_t>(hn::GetLane(code(hn::Set(d, from[i]))));
  return scale;
}

void WidenRow(const std::int8_t* codes, float scale, std::int64_t count, float* to) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, scale);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::Mul(hn::ConvertTo(d, hn::PromoteTo(Words(), hn::LoadU(Bytes(), codes + i))), by), d,
               to + i);
  for (; i < count; ++i)
    to[i] = static_cast<float>(codes[i]) * scale;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(CodeRow);
HWY_EXPORT(WidenRow);

float int8_from_floats(const float* from, std::int64_t count, std::int8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(CodeRow)(from, count, codes);
}

void floats_from_int8(const std::int8_t* codes, float scale, std::int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(WidenRow)(codes, scale, count, to);
}

}  // namespace toptheta
#endif  // HWY_ONCE
