#include "kernels/select.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/select.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#ifndef TOPTHETA_SELECT_ORDER_ONCE
#define TOPTHETA_SELECT_ORDER_ONCE
namespace toptheta {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Arrays of the scratch are filled up with -infinity to a multiple of this many floats, four vectors at the
// most.
constexpr std::size_t kFill = 64;
// Shorter rows are bisected as they are; a sample would cost more than it spares.
constexpr std::size_t kSampledFrom = 768;
// And below this length the row before is not asked either.
constexpr std::size_t kHintedFrom = 128;

// Floats as integers of the same order, without a gap; both zeros are 0.
inline std::int32_t order_of(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits >= 0 ? bits : -(bits & 0x7FFFFFFF);
}
inline float float_at(std::int32_t order) {
  return std::bit_cast<float>(
      order >= 0 ? order : static_cast<std::int32_t>(0x80000000U | static_cast<std::uint32_t>(-order)));
}

// What is known about a value of some rank: low <= value <= high.
struct Bracket {
  float low;
  float high;
  std::int64_t at_least_low;  // values >= low
  std::int64_t above_high;    // values > high
};

// A value in [low, high) to compare with next. Where the value of this rank stands if the values lie evenly
// is the best guess, and where that fails, as it may for good, halving the interval; after some steps halving
// the number of floats in it bounds the steps to come by 32.
inline float middle(const Bracket& bracket, std::int64_t rank, int step) {
  constexpr int kHalvings = 24;
  const std::int64_t low = order_of(bracket.low);
  const std::int64_t high = order_of(bracket.high);
  double part = 0.5;
  if (step % 3 != 2)
    part = (static_cast<double>(bracket.at_least_low - rank) - 0.5) /
           static_cast<double>(bracket.at_least_low - bracket.above_high);
  const double mean =
      (1 - part) * static_cast<double>(bracket.low) + part * static_cast<double>(bracket.high);
  if (step >= kHalvings || !std::isfinite(mean))
    return float_at(static_cast<std::int32_t>((low + high) >> 1));
  const std::int64_t order = order_of(static_cast<float>(mean));
  return float_at(static_cast<std::int32_t>(std::clamp(order, low, high - 1)));
}

// The numbers of the bits that are set, for every set of eight lanes.
struct LanesOf {
  std::array<std::array<std::uint8_t, 8>, 256> places{};
};
constexpr LanesOf lanes_of() {
  LanesOf table;
  for (std::size_t bits = 0; bits < 256; ++bits) {
    std::size_t count = 0;
    for (std::uint8_t lane = 0; lane < 8; ++lane)
      if ((bits >> lane & 1U) != 0) table.places[bits][count++] = lane;
  }
  return table;
}
[[maybe_unused]] constexpr LanesOf kLanesOf = lanes_of();

inline void reserve(std::vector<float>& memory, std::size_t count) {
  if (memory.size() < count) memory.resize(count);
}

// Ranks in a sample between which a rank of the row lies in all but some rows of a thousand.
struct SampleRanks {
  std::int64_t low;   // of the lower value, the larger rank
  std::int64_t high;  // of the upper value; below 0: none
};
inline SampleRanks sample_ranks(std::int64_t rank, std::size_t row, std::size_t sample) {
  const double expected =
      static_cast<double>(rank + 1) * static_cast<double>(sample) / static_cast<double>(row);
  const double deviation = std::sqrt(expected);
  return {static_cast<std::int64_t>(expected + 3 * deviation) + 2,
          static_cast<std::int64_t>(std::floor(expected - 3 * deviation)) - 1};
}

// Where in its stretch of the row, in 256ths, each value of a sample is taken: places that jump about so that
// no pattern of the row's can follow them.
constexpr std::size_t kLargestSample = 512;
constexpr std::array<std::uint8_t, kLargestSample> sample_places() {
  std::array<std::uint8_t, kLargestSample> places{};
  std::uint32_t state = 0x9E3779B9U;
  for (std::uint8_t& place : places) {
    state = state * 1664525U + 1013904223U;
    place = static_cast<std::uint8_t>(state >> 24);
  }
  return places;
}
[[maybe_unused]] constexpr std::array<std::uint8_t, kLargestSample> kSamplePlaces = sample_places();

// One value from each of `count` equally long stretches of the row.
inline void take_sample(std::span<const float> row, std::size_t count, float* sample) {
  const std::size_t stretch = row.size() / count;
  for (std::size_t i = 0; i < count; ++i)
    sample[i] = row[i * stretch + (kSamplePlaces[i] * stretch >> 8)];
}

// How many values more than the rank asks for a bracket taken from one row should hold in the next.
inline double spare(std::int64_t rank) {
  return 16 + 4 * std::sqrt(static_cast<double>(rank));
}

// After a row: `count` of its values were at least `low`, and `value` had the rank. Where the next row's
// bracket should end if values lie there as they do between these two.
inline void learn(SelectHint& hint, std::int64_t rank, float value, float low, std::int64_t count) {
  hint.rank = -1;
  const auto between = static_cast<double>(count - 1 - rank);
  const double width = static_cast<double>(value) - static_cast<double>(low);
  if (!(width > 0) || between < 1 || !std::isfinite(width)) return;
  const double wanted = spare(rank) * hint.caution;
  // Far below, values lie closer together.
  const double reach = between > 4 * wanted ? 2 * wanted : wanted;
  hint.low = static_cast<float>(static_cast<double>(value) - reach * width / between);
  hint.value = value;
  if (std::isfinite(hint.low)) hint.rank = rank;
}

}  // namespace
}  // namespace toptheta
#endif  // TOPTHETA_SELECT_ORDER_ONCE

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that kFill is a whole number of four vectors on every instruction set.
using Floats = hn::CappedTag<float, kFill / 4>;
using Vec = hn::Vec<Floats>;

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

// The functions below read `size` floats, a multiple of kFill with -infinity at the end.
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

// Fills up to a multiple of kFill, one at least, and returns it.
HWY_INLINE std::size_t FillUp(float* values, std::size_t count) {
  const std::size_t size = std::max<std::size_t>((count + kFill - 1) / kFill, 1) * kFill;
  std::fill(values + count, values + size, -kInfinity);
  return size;
}

#if HWY_TARGET > HWY_AVX3
// Moves the lanes whose bits are set to the front. Highway's own Compress is a table look-up too, but its
// table is a local array that gcc copies to the stack for every vector (Highway 1.0.3).
HWY_INLINE Vec ToFront(Vec v, std::size_t bits) {
  const Floats d;
  const hn::Rebind<std::uint8_t, Floats> bytes;
  const hn::RebindToUnsigned<Floats> words;
  const auto places = hn::PromoteTo(words, hn::LoadU(bytes, kLanesOf.places[bits].data()));
  return hn::TableLookupLanes(v, hn::IndicesFromVec(d, places));
}
HWY_INLINE std::size_t Bits(hn::Mask<Floats> mask) {
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(Floats(), mask, bits);
  return bits[0];
}
// Appends the chosen lanes to out[count ...], overwriting a whole vector; returns the new count.
HWY_INLINE std::size_t Append(Vec v, hn::Mask<Floats> chosen, float* out, std::size_t count) {
  const std::size_t bits = Bits(chosen);
  hn::StoreU(ToFront(v, bits), Floats(), out + count);
  return count + static_cast<std::size_t>(std::popcount(bits));
}
#else
// Not CompressStore: storing under a mask is many times slower than storing a vector on some processors.
HWY_INLINE std::size_t Append(Vec v, hn::Mask<Floats> chosen, float* out, std::size_t count) {
  hn::StoreU(hn::Compress(v, chosen), Floats(), out + count);
  return count + hn::CountTrue(Floats(), chosen);
}
#endif

// Copies the values in [low, high] in order, filled up; returns the size. `out` may be `values`, and needs
// room for one vector more than what is copied.
HWY_INLINE std::size_t Compact(const float* values, std::size_t size, float low, float high, float* out) {
  const Floats d;
  const Vec lowest = hn::Set(d, low);
  const Vec highest = hn::Set(d, high);
  std::size_t count = 0;
  for (std::size_t j = 0; j < size; j += hn::Lanes(d)) {
    const Vec v = hn::LoadU(d, values + j);
    count = Append(v, hn::And(hn::Ge(v, lowest), hn::Le(v, highest)), out, count);
  }
  return FillUp(out, count);
}

// Values that are at least `low`, counted, in order; `out` needs room for 16 more than the row.
#if HWY_TARGET > HWY_AVX3
std::size_t CompactAtLeast(std::span<const float> row, float low, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec lowest = hn::Set(d, low);
  constexpr std::size_t kWord = 64;  // values at a time, a bit for each
  constexpr std::size_t kAtOnce = 8;
  std::size_t count = 0;
  std::size_t j = 0;
  for (; j + kWord <= row.size(); j += kWord) {
    const float* from = row.data() + j;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < kWord; i += lanes)
      word |= std::uint64_t{Bits(hn::Ge(hn::LoadU(d, from + i), lowest))} << i;
    const auto found = static_cast<std::size_t>(std::popcount(word));
    // Some at once, whether they are there or not: a branch for each would be guessed wrongly too often.
    for (std::size_t done = 0; done < found; done += kAtOnce)
      for (std::size_t i = 0; i < kAtOnce; ++i) {
        out[count + done + i] = from[std::countr_zero(word | std::uint64_t{1} << (kWord - 1))];
        word &= word - 1;
      }
    count += found;
  }
  for (; j < row.size(); ++j) {
    out[count] = row[j];
    count += row[j] >= low ? 1 : 0;
  }
  return count;
}
#else
std::size_t CompactAtLeast(std::span<const float> row, float low, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const Vec lowest = hn::Set(d, low);
  std::size_t count = 0;
  std::size_t j = 0;
  for (; j + 4 * lanes <= row.size(); j += 4 * lanes) {
    const Vec a = hn::LoadU(d, row.data() + j);
    const Vec b = hn::LoadU(d, row.data() + j + lanes);
    const Vec c = hn::LoadU(d, row.data() + j + 2 * lanes);
    const Vec e = hn::LoadU(d, row.data() + j + 3 * lanes);
    const Vec largest = hn::Max(hn::Max(a, b), hn::Max(c, e));
    if (hn::AllFalse(d, hn::Ge(largest, lowest))) continue;
    count = Append(a, hn::Ge(a, lowest), out, count);
    count = Append(b, hn::Ge(b, lowest), out, count);
    count = Append(c, hn::Ge(c, lowest), out, count);
    count = Append(e, hn::Ge(e, lowest), out, count);
  }
  for (; j < row.size(); ++j) {
    out[count] = row[j];
    count += row[j] >= low ? 1 : 0;
  }
  return count;
}
#endif

// The value of this rank among `size` values. `band` has room for a quarter of them and 2 kFill; it may be
// where they are, if they are not needed any more.
float Bisect(const float* values, std::size_t size, std::int64_t rank, Bracket bracket, float first_guess,
             float* band) {
  for (int step = 0;; ++step) {
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
}

// The candidates of a row: everything from `low` on.
struct Candidates {
  std::size_t size;  // filled up
  std::int64_t count;
  float low;
  float guess;  // probably a little above the value of the largest rank; NaN where there is none
};

Candidates AllOf(std::span<const float> row, float smallest, SelectScratch& scratch) {
  std::copy(row.begin(), row.end(), scratch.candidates.begin());
  return {FillUp(scratch.candidates.data(), row.size()), static_cast<std::int64_t>(row.size()), smallest,
          std::numeric_limits<float>::quiet_NaN()};
}

// What the row before suggests; size 0 where that does not suffice.
Candidates FollowHint(std::span<const float> row, const RowRange& range, std::int64_t rank,
                      SelectScratch& scratch) {
  SelectHint& hint = scratch.hint;
  const Candidates nothing{0, 0, 0, 0};
  if (hint.pause > 0) --hint.pause;
  if (hint.rank != rank || hint.pause > 0 || row.size() < kHintedFrom) return nothing;
  if (hint.low > range.largest || hint.low <= range.smallest) return nothing;
  const std::size_t count = CompactAtLeast(row, hint.low, scratch.candidates.data());
  if (static_cast<std::int64_t>(count) <= rank) {
    // Rows that differ that much are better off on their own, for a while.
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
    // A zero may be found as -0.
    values[i] = Bisect(candidates, found.size, ranks[i], bracket, guess, scratch.band.data()) + 0.0F;
    if (i + 1 == ranks.size()) break;
    // Smaller ranks have larger values.
    bracket.low = values[i];
    bracket.at_least_low = values[i] == -kInfinity
                               ? found.count
                               : CountAbove(candidates, found.size, float_at(order_of(values[i]) - 1));
  }
  learn(scratch.hint, ranks.front(), values.front(), found.low, found.count);
  // What is handed on must depend on the row alone, or sums over it would depend on the row before.
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
  float value = 0;
  select_largest(row, row_range(row), {&k, 1}, scratch, {&value, 1});
  return value;
}

}  // namespace toptheta
#endif  // HWY_ONCE
