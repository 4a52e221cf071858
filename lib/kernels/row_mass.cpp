#include "kernels/row_mass.hpp"

#include <algorithm>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_mass.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMaxLanes = 16;
using Floats = hn::CappedTag<float, kMaxLanes>;
using Vec = hn::Vec<Floats>;
using Mask = hn::Mask<Floats>;

// Sum of value_of(v) over the values that `is_counted` counts. The end of a row that fills no vector is
// filled up with `filler`, which must not be counted or have the value 0.
template <class IsCounted, class ValueOf>
HWY_INLINE MassAbove SumWhere(std::span<const float> values, float filler, const IsCounted& is_counted,
                              const ValueOf& value_of) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  MassAbove mass;
  Vec partial = hn::Zero(d);
  const auto add = [&](Vec v) HWY_ATTR {
    const Mask counted = is_counted(v);
    mass.count += static_cast<std::int64_t>(hn::CountTrue(d, counted));
    partial = hn::Add(partial, hn::IfThenElseZero(counted, value_of(v)));
  };
  // This many terms a lane in float: their rounding stays below that of an exponential.
  constexpr std::size_t kFold = 64;
  std::size_t j = 0;
  while (j + lanes <= values.size()) {
    const std::size_t end = j + std::min(kFold, (values.size() - j) / lanes) * lanes;
    for (; j < end; j += lanes)
      add(hn::LoadU(d, values.data() + j));
    mass.sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, partial)));
    partial = hn::Zero(d);
  }
  if (j < values.size()) {
    HWY_ALIGN float tail[kMaxLanes];
    std::fill(std::copy(values.begin() + static_cast<std::ptrdiff_t>(j), values.end(), tail),
              tail + kMaxLanes, filler);
    add(hn::Load(d, tail));
    mass.sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, partial)));
  }
  return mass;
}

MassAbove ExpSumAbove(std::span<const float> values, float threshold, float shift) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  const Vec minus = hn::Set(d, shift);
  return SumWhere(
      values, -std::numeric_limits<float>::infinity(), [&](Vec v) HWY_ATTR { return hn::Gt(v, bound); },
      [&](Vec v) HWY_ATTR { return hn::Exp(d, hn::Sub(v, minus)); });
}

double ExpSumAtMost(std::span<const float> values, float threshold, float shift) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  const Vec minus = hn::Set(d, shift);
  return SumWhere(
             values, -std::numeric_limits<float>::infinity(),
             [&](Vec v) HWY_ATTR { return hn::Le(v, bound); },
             [&](Vec v) HWY_ATTR { return hn::Exp(d, hn::Sub(v, minus)); })
      .sum;
}

MassAbove SumAbove(std::span<const float> values, float threshold) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  return SumWhere(
      values, -std::numeric_limits<float>::infinity(), [&](Vec v) HWY_ATTR { return hn::Gt(v, bound); },
      [](Vec v) HWY_ATTR { return v; });
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(ExpSumAbove);
HWY_EXPORT(ExpSumAtMost);
HWY_EXPORT(SumAbove);

MassAbove exp_sum_above(std::span<const float> values, float threshold, float shift) {
  return HWY_DYNAMIC_DISPATCH(ExpSumAbove)(values, threshold, shift);
}

double exp_sum_at_most(std::span<const float> values, float threshold, float shift) {
  return HWY_DYNAMIC_DISPATCH(ExpSumAtMost)(values, threshold, shift);
}

MassAbove sum_above(std::span<const float> values, float threshold) {
  return HWY_DYNAMIC_DISPATCH(SumAbove)(values, threshold);
}

}  // namespace toptheta
#endif  // HWY_ONCE
