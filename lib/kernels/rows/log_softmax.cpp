#include "kernels/rows/log_softmax.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/log_softmax.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kSums = 8;  // parallel sums, the same number on every instruction set
using Doubles = hn::CappedTag<double, kSums>;
using Floats = hn::Rebind<float, Doubles>;
using Vec = hn::Vec<Doubles>;

HWY_INLINE Vec Widened(const float* values) {
  return hn::PromoteTo(Doubles(), hn::LoadU(Floats(), values));
}

// The sum over `size` values. term(i) gives the terms of a vector of values from the i-th on, tail(i) the
// term of value i.
template <class Term, class Tail>
HWY_INLINE double SumOf(std::size_t size, const Term& term, const Tail& tail) {
  const Doubles d;
  const std::size_t lanes = hn::Lanes(d);
  HWY_ALIGN double sums[kSums] = {};
  std::size_t i = 0;
  for (; i + kSums <= size; i += kSums)
    for (std::size_t part = 0; part < kSums; part += lanes)
      hn::Store(hn::Add(hn::Load(d, sums + part), term(i + part)), d, sums + part);
  for (std::size_t s = 0; i < size; ++i, ++s)
    sums[s] += tail(i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

std::size_t LargestAt(std::span<const float> values) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto most = hn::Set(d, -std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + lanes <= values.size(); i += lanes)
    most = hn::Max(most, hn::LoadU(d, values.data() + i));
  float largest = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < values.size(); ++i)
    largest = std::max(largest, values[i]);
  return static_cast<std::size_t>(std::find(values.begin(), values.end(), largest) - values.begin());
}

double ExpSumBelow(std::span<const float> values, double largest) {
  const Doubles d;
  const Vec shift = hn::Set(d, largest);
  return SumOf(
      values.size(),
      [&](std::size_t i) HWY_ATTR { return hn::Exp(d, hn::Sub(Widened(values.data() + i), shift)); },
      [&](std::size_t i) { return std::exp(static_cast<double>(values[i]) - largest); });
}

double Divergence(std::span<const float> p_logits, double p_log_sum, std::span<const float> q_logits,
                  double q_log_sum) {
  const Doubles d;
  const Vec p_norm = hn::Set(d, p_log_sum);
  const Vec q_norm = hn::Set(d, q_log_sum);
  return SumOf(
      p_logits.size(),
      [&](std::size_t i) HWY_ATTR {
        const Vec log_p = hn::Sub(Widened(p_logits.data() + i), p_norm);
        const Vec log_q = hn::Sub(Widened(q_logits.data() + i), q_norm);
        return hn::Mul(hn::Exp(d, log_p), hn::Sub(log_p, log_q));
      },
      [&](std::size_t i) {
        const double log_p = static_cast<double>(p_logits[i]) - p_log_sum;
        return std::exp(log_p) * (log_p - (static_cast<double>(q_logits[i]) - q_log_sum));
      });
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(LargestAt);
HWY_EXPORT(ExpSumBelow);
HWY_EXPORT(Divergence);

LogSoftmax log_softmax(std::span<const float> logits) {
  assert(!logits.empty());
  const std::size_t top = HWY_DYNAMIC_DISPATCH(LargestAt)(logits);
  const auto largest = static_cast<double>(logits[top]);
  return {largest + std::log(HWY_DYNAMIC_DISPATCH(ExpSumBelow)(logits, largest)),
          static_cast<std::int64_t>(top)};
}

double kl_divergence(std::span<const float> p_logits, const LogSoftmax& p, std::span<const float> q_logits,
                     const LogSoftmax& q) {
  assert(p_logits.size() == q_logits.size());
  return std::max(HWY_DYNAMIC_DISPATCH(Divergence)(p_logits, p.log_sum, q_logits, q.log_sum), 0.0);
}

}  // namespace toptheta
#endif
