#include "kernels/rows/row_mass.hpp"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/row_mass.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kMaxLanes = 16;
using Floats = hn::CappedTag<float, kMaxLanes>;
using Vec = hn::Vec<Floats>;

constexpr float kLog2E = 1.44269504F;

// 2^f for |f| <= 1/2: a minimax polynomial with a relative error of 7.5e-8.
HWY_INLINE Vec PowerOfTwo(Vec f) {
  const Floats d;
  Vec power = hn::Set(d, 0.0013276470110302509F);
  power = hn::MulAdd(power, f, hn::Set(d, 0.009675541319429187F));
  power = hn::MulAdd(power, f, hn::Set(d, 0.05550713279320085F));
  power = hn::MulAdd(power, f, hn::Set(d, 0.24022119724213903F));
  power = hn::MulAdd(power, f, hn::Set(d, 0.693146967061196F));
  return hn::MulAdd(power, f, hn::Set(d, 1.0000000716545667F));
}

// x log2(e) - n, which is small, without losing its digits to rounding.
HWY_INLINE Vec Fraction(Vec x, Vec n) {
  const Floats d;
#if HWY_NATIVE_FMA
  return hn::MulSub(x, hn::Set(d, kLog2E), n);
#else
  // The rounded product would lack the remaining digits. n times the first part of ln 2 is exact.
  const Vec rest = hn::Sub(x, hn::Mul(n, hn::Set(d, 0.693359375F)));
  return hn::Mul(hn::Add(rest, hn::Mul(n, hn::Set(d, 2.12194440e-4F))), hn::Set(d, kLog2E));
#endif
}

// e^x for x <= 0, with a relative error below 2e-7 for terms that matter in a sum with 1; 0 below e^-86.6,
// which does not matter in such a sum. It takes a third of the operations of Highway's Exp, which is exact to
// the last digit. e^x = 2^n * 2^f, where n + f = x log2(e), n is whole and |f| <= 1/2.
HWY_INLINE Vec ExpNegative(Vec x) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  // Adding this rounds to a whole number, which is then in the lowest bits.
  const Vec round = hn::Set(d, 0x1.8p23F);
  const Vec lowest = hn::Set(d, -86.6F);
  const Vec clamped = hn::Max(x, lowest);
  const Vec shifted = hn::MulAdd(clamped, hn::Set(d, kLog2E), round);
  const Vec power = PowerOfTwo(Fraction(clamped, hn::Sub(shifted, round)));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  return hn::IfThenElseZero(hn::Ge(x, lowest), hn::BitCast(d, hn::Add(hn::BitCast(di, power), exponent)));
}

// The sum of term(v) over the values. At most kFold terms per lane are added in float, so that their rounding
// error stays near that of an exponential; these sums are added in double. term(-infinity) must be 0, because
// -infinity pads the last vector.
constexpr std::size_t kFold = 64;

template <class Term>
HWY_INLINE double SumOf(std::span<const float> values, const Term& term) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  double sum = 0;
  std::size_t j = 0;
  while (j + lanes <= values.size()) {
    const std::size_t end = j + std::min(kFold, (values.size() - j) / lanes) * lanes;
    Vec partial = hn::Zero(d);
    Vec other = partial;
    for (; j + 2 * lanes <= end; j += 2 * lanes) {
      partial = hn::Add(partial, term(hn::LoadU(d, values.data() + j)));
      other = hn::Add(other, term(hn::LoadU(d, values.data() + j + lanes)));
    }
    for (; j < end; j += lanes)
      partial = hn::Add(partial, term(hn::LoadU(d, values.data() + j)));
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(partial, other))));
  }
  if (j < values.size()) {
    HWY_ALIGN float tail[kMaxLanes];
    std::fill(std::copy(values.begin() + static_cast<std::ptrdiff_t>(j), values.end(), tail),
              tail + kMaxLanes, -std::numeric_limits<float>::infinity());
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, term(hn::Load(d, tail)))));
  }
  return sum;
}

std::int64_t CountAbove(std::span<const float> values, float threshold) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  std::int64_t count = 0;
  std::size_t j = 0;
  for (; j + hn::Lanes(d) <= values.size(); j += hn::Lanes(d))
    count += static_cast<std::int64_t>(hn::CountTrue(d, hn::Gt(hn::LoadU(d, values.data() + j), bound)));
  for (; j < values.size(); ++j)
    count += values[j] > threshold ? 1 : 0;
  return count;
}

MassAbove ExpSumAbove(std::span<const float> values, float threshold, float shift) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  const Vec minus = hn::Set(d, shift);
  const double sum = SumOf(values, [&](Vec v) HWY_ATTR {
    return hn::IfThenElseZero(hn::Gt(v, bound), ExpNegative(hn::Sub(v, minus)));
  });
  return {sum, CountAbove(values, threshold)};
}

double ExpSumAtMost(std::span<const float> values, float threshold, float shift) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  const Vec minus = hn::Set(d, shift);
  return SumOf(values, [&](Vec v) HWY_ATTR {
    return hn::IfThenElseZero(hn::Le(v, bound), ExpNegative(hn::Sub(v, minus)));
  });
}

// Sets out[j] = e^(row[j] - shift). Returns the same as ExpSumAtMost() without a threshold, to the last bit.
double StoredExponentials(std::span<const float> row, float shift, std::span<float> out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec minus = hn::Set(d, shift);
  double sum = 0;
  std::size_t j = 0;
  while (j + lanes <= row.size()) {
    const std::size_t end = j + std::min(kFold, (row.size() - j) / lanes) * lanes;
    const auto next = [&]() HWY_ATTR {
      const Vec e = ExpNegative(hn::Sub(hn::LoadU(d, row.data() + j), minus));
      hn::StoreU(e, d, out.data() + j);
      j += lanes;
      return e;
    };
    // In the same order as SumOf.
    Vec partial = hn::Zero(d);
    Vec other = partial;
    while (j + 2 * lanes <= end) {
      partial = hn::Add(partial, next());
      other = hn::Add(other, next());
    }
    if (j < end) partial = hn::Add(partial, next());
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(partial, other))));
  }
  if (j < row.size()) {
    HWY_ALIGN float tail[kMaxLanes];
    std::fill(std::copy(row.begin() + static_cast<std::ptrdiff_t>(j), row.end(), tail), tail + kMaxLanes,
              -std::numeric_limits<float>::infinity());
    const Vec e = ExpNegative(hn::Sub(hn::Load(d, tail), minus));
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, e)));
    hn::Store(e, d, tail);
    std::copy_n(tail, row.size() - j, out.begin() + static_cast<std::ptrdiff_t>(j));
  }
  return sum;
}

#if HWY_NATIVE_FMA

// The sum of e^(v - shift) where all values matter, in two thirds of the operations. With v log2(e) = n + f
// as above, 2^n is made by shifting n + 127 into the exponent. The terms that are added are e^(v - m /
// log2(e)), where m is the whole number nearest to shift * log2(e); so n is found with one multiplication.
// Where kStored, these terms are also written to `out`; the sum is the same to the last bit.
template <bool kStored>
HWY_INLINE RowExponentials SumExponentials(std::span<const float> values, float shift,
                                           std::span<const std::byte> next, std::span<float> out) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  constexpr float kRound = 0x1.8p23F + 127;
  const float m = std::nearbyint(shift * kLog2E);
  const Vec log2e = hn::Set(d, kLog2E);
  const Vec round = hn::Set(d, kRound - m);
  const auto add_term = [&](const float* from, Vec sum) HWY_ATTR {
    const Vec v = hn::LoadU(d, from);
    const Vec shifted = hn::MulAdd(v, log2e, round);
    const Vec f = hn::MulSub(v, log2e, hn::Sub(shifted, round));
    const Vec scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(di, shifted)));
    const Vec power = PowerOfTwo(f);
    if constexpr (kStored) hn::StoreU(hn::Mul(power, scale), d, out.data() + (from - values.data()));
    return hn::MulAdd(power, scale, sum);
  };
  const std::size_t lanes = hn::Lanes(d);
  double sum = 0;
  std::size_t j = 0;
  while (j + 2 * lanes <= values.size()) {
    const std::size_t end = j + std::min(kFold / 2, (values.size() - j) / (2 * lanes)) * 2 * lanes;
    Vec partial = hn::Zero(d);
    Vec other = partial;
    for (; j < end; j += 2 * lanes) {
      if (j * sizeof(float) < next.size()) hwy::Prefetch(next.data() + j * sizeof(float));
      partial = add_term(values.data() + j, partial);
      other = add_term(values.data() + j + lanes, other);
    }
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(partial, other))));
  }
  // e^(v - m / log2(e)) equals e^(v - shift) times a factor near 1.
  const double factor = std::exp2(static_cast<double>(m) - static_cast<double>(shift) * double{kLog2E});
  const std::span<const float> rest = values.subspan(j);
  if constexpr (!kStored)
    return {sum * factor + ExpSumAtMost(rest, std::numeric_limits<float>::infinity(), shift), factor};
  const double rest_sum = StoredExponentials(rest, shift, out.subspan(j));
  for (; j < values.size(); ++j)
    out[j] = static_cast<float>(static_cast<double>(out[j]) / factor);
  return {sum * factor + rest_sum, factor};
}

double ExpSum(std::span<const float> values, float shift, std::span<const std::byte> next) {
  return SumExponentials<false>(values, shift, next, {}).sum;
}

RowExponentials Exponentials(std::span<const float> row, float shift, std::span<float> out) {
  return SumExponentials<true>(row, shift, {}, out);
}

#else

// Without FMA that one multiplication would lose the digits that matter.
double ExpSum(std::span<const float> values, float shift, std::span<const std::byte>) {
  return ExpSumAtMost(values, std::numeric_limits<float>::infinity(), shift);
}

RowExponentials Exponentials(std::span<const float> row, float shift, std::span<float> out) {
  return {StoredExponentials(row, shift, out), 1};
}

#endif

MassAbove SumAbove(std::span<const float> values, float threshold) {
  const Floats d;
  const Vec bound = hn::Set(d, threshold);
  const double sum = SumOf(values, [&](Vec v) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(v, bound), v); });
  return {sum, CountAbove(values, threshold)};
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(ExpSumAbove);
HWY_EXPORT(ExpSum);
HWY_EXPORT(ExpSumAtMost);
HWY_EXPORT(Exponentials);
HWY_EXPORT(StoredExponentials);
HWY_EXPORT(SumAbove);

MassAbove exp_sum_above(std::span<const float> values, float threshold, float shift) {
  return HWY_DYNAMIC_DISPATCH(ExpSumAbove)(values, threshold, shift);
}

double exp_sum_at_most(std::span<const float> values, float threshold, float shift) {
  return HWY_DYNAMIC_DISPATCH(ExpSumAtMost)(values, threshold, shift);
}

namespace {

// Whether all values matter in the sum, so that ExpSum() and Exponentials() may be used.
bool all_matter(const RowRange& range) {
  constexpr float kLargest = 0x1p20F;  // times log2(e) it still has a bit for halves
  return range.smallest - range.largest > -86 && std::fabs(range.largest) < kLargest;
}

}  // namespace

double exp_sum(std::span<const float> values, const RowRange& range, std::span<const std::byte> next) {
  return all_matter(range) ? HWY_DYNAMIC_DISPATCH(ExpSum)(values, range.largest, next)
                           : HWY_DYNAMIC_DISPATCH(ExpSumAtMost)(
                                 values, std::numeric_limits<float>::infinity(), range.largest);
}

RowExponentials exponentials(std::span<const float> row, const RowRange& range, std::span<float> out) {
  if (all_matter(range)) return HWY_DYNAMIC_DISPATCH(Exponentials)(row, range.largest, out);
  return {HWY_DYNAMIC_DISPATCH(StoredExponentials)(row, range.largest, out), 1};
}

MassAbove sum_above(std::span<const float> values, float threshold) {
  return HWY_DYNAMIC_DISPATCH(SumAbove)(values, threshold);
}

}  // namespace toptheta
#endif  // HWY_ONCE
