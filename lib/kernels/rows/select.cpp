#include "kernels/rows/select.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows/select.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "kernels/rows/select_search.hpp"
#include "kernels/vector/compact-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

RowRange Range(std::span<const float> row) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec zero = hn::Zero(d);
  constexpr std::size_t kAbreast = 4;
  Vec smallest[kAbreast];
  Vec largest[kAbreast];
  Vec nothing[kAbreast];  // value * 0 is NaN for NaN and infinity
  for (std::size_t i = 0; i < kAbreast; ++i) {
    smallest[i] = hn::Set(d, kInfinity);
    largest[i] = hn::Set(d, -kInfinity);
    nothing[i] = zero;
  }
  std::size_t j = 0;
  for (; j + kAbreast * lanes <= row.size(); j += kAbreast * lanes)
    for (std::size_t i = 0; i < kAbreast; ++i) {
      const Vec v = hn::LoadU(d, row.data() + j + i * lanes);
      smallest[i] = hn::Min(smallest[i], v);
      largest[i] = hn::Max(largest[i], v);
      nothing[i] = hn::MulAdd(v, zero, nothing[i]);
    }
  for (std::size_t i = 1; i < kAbreast; ++i) {
    smallest[0] = hn::Min(smallest[0], smallest[i]);
    largest[0] = hn::Max(largest[0], largest[i]);
    nothing[0] = hn::Add(nothing[0], nothing[i]);
  }
  RowRange range{hn::GetLane(hn::MinOfLanes(d, smallest[0])), hn::GetLane(hn::MaxOfLanes(d, largest[0])),
                 true};
  float rest = hn::GetLane(hn::SumOfLanes(d, nothing[0]));
  for (; j < row.size(); ++j) {
    range.smallest = std::min(range.smallest, row[j]);
    range.largest = std::max(range.largest, row[j]);
    rest += row[j] * 0.0F;
  }
  range.finite = rest == 0.0F;
  return range;
}

// The functions below read `size` floats; `size` is a multiple of kFill, and -infinity pads the end.
std::int64_t CountAbove(const float* values, std::size_t size, float bound) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const std::size_t lanes = hn::Lanes(d);
  const Vec limit = hn::Set(d, bound);
  auto count = hn::Zero(di);
  auto other = count;
  const auto above = [&](std::size_t j) HWY_ATTR {
    return hn::BitCast(di, hn::VecFromMask(d, hn::Gt(hn::LoadU(d, values + j), limit)));
  };
  for (std::size_t j = 0; j < size; j += 4 * lanes) {
    count = hn::Add(count, hn::Add(above(j), above(j + lanes)));
    other = hn::Add(other, hn::Add(above(j + 2 * lanes), above(j + 3 * lanes)));
  }
  return -std::int64_t{hn::GetLane(hn::SumOfLanes(di, hn::Add(count, other)))};
}

float SmallestAtLeast(const float* values, std::size_t size, float low) {
  const Floats d;
  const Vec limit = hn::Set(d, low);
  const Vec infinity = hn::Set(d, kInfinity);
  Vec smallest = infinity;
  for (std::size_t j = 0; j < size; j += hn::Lanes(d)) {
    const Vec v = hn::LoadU(d, values + j);
    smallest = hn::Min(smallest, hn::IfThenElse(hn::Ge(v, limit), v, infinity));
  }
  return hn::GetLane(hn::MinOfLanes(d, smallest));
}

float LargestAtMost(const float* values, std::size_t size, float high) {
  const Floats d;
  const Vec limit = hn::Set(d, high);
  const Vec infinity = hn::Set(d, -kInfinity);
  Vec largest = infinity;
  for (std::size_t j = 0; j < size; j += hn::Lanes(d)) {
    const Vec v = hn::LoadU(d, values + j);
    largest = hn::Max(largest, hn::IfThenElse(hn::Le(v, limit), v, infinity));
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// The value of this rank among `size` values. `band` needs room for a quarter of them and 2 * kFill more; it
// may be the same memory as `values` where these are not needed any more.
float Bisect(const float* values, std::size_t size, std::int64_t rank, Bracket bracket, float first_guess,
             float* band) {
  // Halving ends the search within 32 steps once it begins. The limit is for NaN, which compares with
  // nothing.
  constexpr int kMostSteps = 64;
  for (int step = 0; step < kMostSteps; ++step) {
    if (bracket.low == bracket.high) return bracket.low;
    if (rank + 1 == bracket.at_least_low) return SmallestAtLeast(values, size, bracket.low);
    if (rank == bracket.above_high) return LargestAtMost(values, size, bracket.high);
    if (4 * (bracket.at_least_low - bracket.above_high) <= static_cast<std::int64_t>(size) &&
        size > 2 * kFill) {
      size = Compact(values, size, bracket.low, bracket.high, band);
      values = band;
      rank -= bracket.above_high;
      bracket.at_least_low -= bracket.above_high;
      bracket.above_high = 0;
    }
    const bool guess = step == 0 && first_guess >= bracket.low && first_guess < bracket.high;
    const float bound = guess ? first_guess : middle(bracket, rank, step);
    const std::int64_t above = CountAbove(values, size, bound);
    if (above > rank) {
      bracket.low = float_at(order_of(bound) + 1);
      bracket.at_least_low = above;
    } else {
      bracket.high = bound;
      bracket.above_high = above;
    }
  }
  return std::numeric_limits<float>::quiet_NaN();
}

// The candidates of a row: all values from `low` up.
struct Candidates {
  std::size_t size;  // padded
  std::int64_t count;
  float low;
  float guess;  // probably a little above the value of the largest rank; NaN: no guess
};

Candidates AllOf(std::span<const float> row, float smallest, SelectScratch& scratch) {
  std::copy(row.begin(), row.end(), scratch.candidates.begin());
  return {FillUp(scratch.candidates.data(), row.size()), static_cast<std::int64_t>(row.size()), smallest,
          std::numeric_limits<float>::quiet_NaN()};
}

// The candidates according to the hint from the previous row; size 0 where that does not suffice.
Candidates FollowHint(std::span<const float> row, const RowRange& range, std::int64_t rank,
                      SelectScratch& scratch) {
  SelectHint& hint = scratch.hint;
  const Candidates nothing{0, 0, 0, 0};
  if (hint.pause > 0) --hint.pause;
  if (hint.rank != rank || hint.pause > 0 || row.size() < kHintedFrom) return nothing;
  if (hint.low > range.largest || hint.low <= range.smallest) return nothing;
  const std::size_t count = CompactAtLeast(row, hint.low, scratch.candidates.data());
  if (static_cast<std::int64_t>(count) <= rank) {
    // Where rows differ this much, the hint is not used for a while.
    hint.failures = std::min(hint.failures + 1, 6);
    hint.pause = 1 << hint.failures;
    hint.caution = std::min(2 * hint.caution, 8.0);
    return nothing;
  }
  hint.failures = 0;
  hint.caution = std::max(0.99 * hint.caution, 1.0);
  return {FillUp(scratch.candidates.data(), count), static_cast<std::int64_t>(count), hint.low, hint.value};
}

Candidates FindCandidates(std::span<const float> row, const RowRange& range, std::int64_t rank,
                          SelectScratch& scratch) {
  const Candidates near = FollowHint(row, range, rank, scratch);
  if (near.size > 0) return near;
  if (row.size() < kSampledFrom) return AllOf(row, range.smallest, scratch);
  const std::size_t sample = row.size() < 4096 ? 128 : row.size() < 16384 ? 256 : kLargestSample;
  const SampleRanks ranks = sample_ranks(rank, row.size(), sample);
  if (2 * ranks.low > static_cast<std::int64_t>(sample)) return AllOf(row, range.smallest, scratch);
  reserve(scratch.sample, 2 * sample + 2 * kFill);
  take_sample(row, sample, scratch.sample.data());
  float* band = scratch.sample.data() + sample;
  const auto all = static_cast<std::int64_t>(sample);
  const Bracket bracket{range.smallest, range.largest, all, 0};
  const float none = std::numeric_limits<float>::quiet_NaN();
  const float low = Bisect(scratch.sample.data(), sample, ranks.low, bracket, none, band);
  if (low == -kInfinity) return AllOf(row, range.smallest, scratch);
  const std::size_t count = CompactAtLeast(row, low, scratch.candidates.data());
  if (static_cast<std::int64_t>(count) <= rank) return AllOf(row, range.smallest, scratch);
  const float guess = ranks.high < 0 ? none
                                     : Bisect(scratch.sample.data(), sample, ranks.high,
                                              {low, range.largest, ranks.low + 1, 0}, none, band);
  return {FillUp(scratch.candidates.data(), count), static_cast<std::int64_t>(count), low, guess};
}

std::size_t SelectLargest(std::span<const float> row, const RowRange& range,
                          std::span<const std::int64_t> ranks, SelectScratch& scratch,
                          std::span<float> values) {
  reserve(scratch.candidates, row.size() + 2 * kFill);
  float* const candidates = scratch.candidates.data();
  const Candidates found = FindCandidates(row, range, ranks.front(), scratch);
  reserve(scratch.band, found.size / 4 + 2 * kFill);
  Bracket bracket{found.low + 0.0F, range.largest + 0.0F, found.count, 0};
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const float guess = i == 0 ? found.guess : std::numeric_limits<float>::quiet_NaN();
    // Adding 0 turns a -0 into +0.
    values[i] = Bisect(candidates, found.size, ranks[i], bracket, guess, scratch.band.data()) + 0.0F;
    if (i + 1 == ranks.size()) break;
    // The remaining ranks are smaller, so their values are at least this one.
    bracket.low = values[i];
    bracket.at_least_low = values[i] == -kInfinity
                               ? found.count
                               : CountAbove(candidates, found.size, float_at(order_of(values[i]) - 1));
  }
  learn(scratch.hint, ranks.front(), values.front(), found.low, found.count);
  // The returned values must depend on the row alone; otherwise sums over them would depend on the previous
  // row.
  return Compact(candidates, found.size, values.front(), kInfinity, candidates);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(Range);
HWY_EXPORT(SelectLargest);

RowRange row_range(std::span<const float> row) {
  return HWY_DYNAMIC_DISPATCH(Range)(row);
}

std::span<const float> select_largest(std::span<const float> row, const RowRange& range,
                                      std::span<const std::int64_t> ranks, SelectScratch& scratch,
                                      std::span<float> values) {
  assert(!ranks.empty() && ranks.size() == values.size());
  assert(std::is_sorted(ranks.rbegin(), ranks.rend()));
  assert(ranks.back() >= 0 && ranks.front() < static_cast<std::int64_t>(row.size()));
  const std::size_t size = HWY_DYNAMIC_DISPATCH(SelectLargest)(row, range, ranks, scratch, values);
  return std::span<const float>(scratch.candidates).first(size);
}

float kth_largest(std::span<const float> row, std::int64_t k, SelectScratch& scratch) {
  const RowRange range = row_range(row);
  if (!range.finite && std::any_of(row.begin(), row.end(), [](float x) { return std::isnan(x); }))
    return std::numeric_limits<float>::quiet_NaN();
  float value = 0;
  select_largest(row, range, {&k, 1}, scratch, {&value, 1});
  return value;
}

}  // namespace toptheta
#endif  // HWY_ONCE
