// From a row's scores and marks within a tile to weights and their sum, and the joining of these to earlier
// tiles; included in kernel files once per instruction set.
#if defined(TOPTHETA_KERNELS_WEIGH_ROW_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_WEIGH_ROW_INL_HPP
#undef TOPTHETA_KERNELS_WEIGH_ROW_INL_HPP
#else
#define TOPTHETA_KERNELS_WEIGH_ROW_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/attention/tile_attention.hpp"
#include "kernels/attention/value_list-inl.hpp"
#include "kernels/vector/exp2-inl.hpp"
#include "kernels/vector/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

inline constexpr std::int64_t kTileWords = kTileKeys / 64;
inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Listed weights are relative to the row's threshold, which is the same in all tiles, so that no tile has to
// wait for its largest score or be scaled when it is joined. If a score is farther above the threshold than
// this (a factor of e^40 = 2e17), they are relative to the largest score instead.
inline constexpr float kReach = 40;

// How to join a tile whose sums are relative to `shift` to a row. The row's sums are then relative to the
// larger of the two shifts.
HWY_INLINE Join JoinOf(RowState& state, float shift, double kept_sum) {
  const Floats d;
  Join join{1, 1};
  if (shift > state.shift) {
    join.keep = hn::GetLane(ExpBelow(d, hn::Set(d, state.shift), hn::Set(d, shift * kLog2E)));
    state.shift = shift;
  } else if (shift < state.shift) {
    join.add = hn::GetLane(ExpBelow(d, hn::Set(d, shift), hn::Set(d, state.shift * kLog2E)));
  }
  state.kept_sum = state.kept_sum * static_cast<double>(join.keep) + kept_sum * static_cast<double>(join.add);
  return join;
}

// Pads a row to whole vectors and returns the padded size; needs room for one vector more.
HWY_INLINE std::int64_t Pad(float* row, std::int64_t count, float value) {
  const Floats d;
  hn::StoreU(hn::Set(d, value), d, row + count);
  return (count + kLanes - 1) / kLanes * kLanes;
}

// Calls visit(j, 0) and visit(j, 1) for vectors in pairs, so that two sums have a register each. A last
// vector without a partner goes to the first.
template <class Visit>
HWY_INLINE void ForPairs(std::int64_t padded, Visit visit) {
  std::int64_t j = 0;
  for (; j + 2 * kLanes <= padded; j += 2 * kLanes) {
    visit(j, std::integral_constant<int, 0>());
    visit(j + kLanes, std::integral_constant<int, 1>());
  }
  if (j < padded) visit(j, std::integral_constant<int, 0>());
}

// The largest entry above theta.
HWY_INLINE float MaxAbove(const float* row, std::int64_t padded, float theta) {
  const Floats d;
  const Vec bound = hn::Set(d, theta);
  const Vec lowest = hn::Set(d, kMinusInfinity);
  Vec best[2] = {lowest, lowest};
  ForPairs(padded, [&](std::int64_t j, auto u) HWY_ATTR {
    const Vec x = hn::LoadU(d, row + j);
    best[u] = hn::Max(best[u], hn::IfThenElse(hn::Gt(x, bound), x, lowest));
  });
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(best[0], best[1])));
}

struct RowRange {
  float largest;
  bool any_nan;
};

// The range of a row of which everything is kept, in one pass, because the row comes from the second-level
// cache.
HWY_INLINE RowRange RangeOf(const float* row, std::int64_t padded) {
  const Floats d;
  const Vec lowest = hn::Set(d, kMinusInfinity);
  Vec best[2] = {lowest, lowest};
  // Not Ne, which in Highway is false for NaN.
  auto first = hn::Eq(lowest, lowest);
  auto second = first;
  ForPairs(padded, [&](std::int64_t j, auto u) HWY_ATTR {
    const Vec x = hn::LoadU(d, row + j);
    const auto number = hn::Eq(x, x);
    auto& numbers = u == 0 ? first : second;
    numbers = hn::And(numbers, number);
    best[u] = hn::Max(best[u], hn::IfThenElse(number, x, lowest));
  });
  return {hn::GetLane(hn::MaxOfLanes(d, hn::Max(best[0], best[1]))), !hn::AllTrue(d, hn::And(first, second))};
}

// Replaces entries above theta by e^(entry - shift) and the others by 0; returns the sum.
HWY_INLINE double ExpAbove(float* row, std::int64_t padded, float theta, float shift) {
  const Floats d;
  const Vec bound = hn::Set(d, theta);
  const Vec shift_log2 = hn::Set(d, shift * kLog2E);
  Vec sum[2] = {hn::Zero(d), hn::Zero(d)};
  ForPairs(padded, [&](std::int64_t j, auto u) HWY_ATTR {
    const Vec x = hn::LoadU(d, row + j);
    const Vec e = hn::IfThenElseZero(hn::Gt(x, bound), ExpBelow(d, x, shift_log2));
    hn::StoreU(e, d, row + j);
    sum[u] = hn::Add(sum[u], e);
  });
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[0], sum[1]))));
}

// The sum of e^(x - theta) over the entries at or below theta; the padding must be -infinity.
HWY_INLINE double ExpSumBelow(const float* row, std::int64_t padded, float theta) {
  const Floats d;
  const Vec bound = hn::Set(d, theta);
  const Vec shift_log2 = hn::Set(d, theta * kLog2E);
  Vec sum[2] = {hn::Zero(d), hn::Zero(d)};
  ForPairs(padded, [&](std::int64_t j, auto u) HWY_ATTR {
    const Vec x = hn::LoadU(d, row + j);
    // For entries above theta the exponential is not used.
    const Vec e = hn::IfThenElseZero(hn::Le(x, bound), ExpBelow(d, hn::Min(x, bound), shift_log2));
    sum[u] = hn::Add(sum[u], e);
  });
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[0], sum[1]))));
}

HWY_INLINE std::int64_t CountMarks(const std::uint64_t* marks) {
  std::int64_t count = 0;
  for (std::int64_t w = 0; w < kTileWords; ++w)
    count += std::popcount(marks[w]);
  return count;
}

#if HWY_TARGET <= HWY_AVX3
// Lists the positions of the set bits, ascending, and, if `scores` is not null, the scores there minus
// `less`. Both lists need room for kKeyBlock more. Returns how many there are. As few keys are kept, most
// blocks have none; the others are compressed, a whole vector at a time.
HWY_INLINE std::int64_t ListKept(const float* scores, const std::uint64_t* marks, float less,
                                 std::int32_t* indices, float* weights) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const hn::CappedTag<float, 4> d4;
  const hn::RebindToSigned<decltype(d4)> di4;
  const hn::CappedTag<std::uint16_t, kTileKeys / kKeyBlock> words;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(marks);
  const auto within = hn::Iota(di, 0);
  std::uint32_t some = 0;  // blocks with some bit set
  static_assert(hn::MaxLanes(words) == 8 * sizeof some);
  const auto blocks = hn::BitCast(words, hn::LoadU(hn::Repartition<std::uint8_t, decltype(words)>(), bytes));
  hn::StoreMaskBits(words, hn::Ne(blocks, hn::Zero(words)), reinterpret_cast<std::uint8_t*>(&some));
  std::int64_t kept = 0;
  for (; some != 0; some &= some - 1) {
    const int block = std::countr_zero(some);
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes + block * std::int64_t{sizeof bits}, sizeof bits);
    const auto mask = hn::LoadMaskBits(d, reinterpret_cast<const std::uint8_t*>(&bits));
    const int count = std::popcount(bits);
    const auto all = hn::Add(within, hn::Set(di, block * static_cast<std::int32_t>(kKeyBlock)));
    const auto at = hn::Compress(all, hn::RebindMask(di, mask));
    // There are usually few, and stores that cross a cache line are slow.
    hn::StoreU(hn::LowerHalf(di4, hn::LowerHalf(at)), di4, indices + kept);
    if (HWY_UNLIKELY(count > 4)) hn::StoreU(at, di, indices + kept);
    if (scores != nullptr) {
      const Vec all_scores = hn::Sub(hn::LoadU(d, scores + block * kKeyBlock), hn::Set(d, less));
      const Vec score = hn::Compress(all_scores, mask);
      hn::StoreU(hn::LowerHalf(d4, hn::LowerHalf(score)), d4, weights + kept);
      if (HWY_UNLIKELY(count > 4)) hn::StoreU(score, d, weights + kept);
    }
    kept += count;
  }
  return kept;
}

HWY_INLINE void ListMarks(const std::uint64_t* marks, std::int32_t* indices) {
  ListKept(nullptr, marks, 0, indices, nullptr);
}
#else
// Lists the positions of the set bits, ascending. It writes four at a time, whether or not there are so many,
// because a branch for each would be mispredicted.
HWY_INLINE void ListMarks(const std::uint64_t* marks, std::int32_t* indices) {
  for (std::int64_t w = 0; w < kTileWords; ++w) {
    std::uint64_t bits = marks[w];
    const int count = std::popcount(bits);
    for (int done = 0; done < count; done += 4) {
      for (int u = 0; u < 4; ++u) {
        indices[done + u] = static_cast<std::int32_t>(w * 64 + std::countr_zero(bits));
        bits &= bits - 1;
      }
    }
    indices += count;
  }
}

// The same, with the scores there minus `less`; both lists need room for kKeyBlock more. Returns how many
// there are.
HWY_INLINE std::int64_t ListKept(const float* scores, const std::uint64_t* marks, float less,
                                 std::int32_t* indices, float* weights) {
  ListMarks(marks, indices);
  const std::int64_t kept = CountMarks(marks);
  for (std::int64_t j = 0; j < kept; ++j)
    weights[j] = scores[indices[j]] - less;
  return kept;
}
#endif

// Clears the marks of keys after those that a row sees.
HWY_INLINE void ClearInvisible(std::uint64_t* marks, std::int64_t visible) {
  for (std::int64_t w = 0; w < kTileWords; ++w) {
    const std::int64_t bits = std::clamp<std::int64_t>(visible - w * 64, 0, 64);
    if (bits < 64) marks[w] &= (std::uint64_t{1} << bits) - 1;
  }
}

// Clears the marks of keys that a window hides.
HWY_INLINE void ClearHidden(std::uint64_t* marks, std::int64_t hidden) {
  for (std::int64_t w = 0; w * 64 < hidden; ++w) {
    const std::int64_t bits = std::min<std::int64_t>(hidden - w * 64, 64);
    marks[w] = bits < 64 ? marks[w] & ~((std::uint64_t{1} << bits) - 1) : 0;
  }
}

// Whether a row keeps so many keys of a tile that its weights stay in place among zeros. The row alone
// decides this, so that its sums do not depend on other rows.
HWY_INLINE bool WeighsInPlace(std::int64_t kept, std::int64_t visible) {
  return kept * 5 > visible * 2;
}

// Replaces the listed kept scores of a row by their weights, with the same bits as in a list of all rows.
// Returns the score that they are relative to.
HWY_INLINE float WeighListed(float* weights, std::int64_t kept, float theta, float& largest_kept) {
  const Floats d;
  const std::int64_t padded = Pad(weights, kept, kMinusInfinity);
  const float largest = MaxAbove(weights, padded, kMinusInfinity);
  // The largest is below the threshold where all listed keys are always kept.
  const float shift = largest >= theta && largest - theta <= kReach ? theta : largest;
  largest_kept =
      std::max(largest_kept, shift + (largest - shift));  // rounded as where only differences are known
  for (std::int64_t j = 0; j < padded; j += kLanes)
    hn::StoreU(ExpBelow(d, hn::Sub(hn::LoadU(d, weights + j), hn::Set(d, shift)), hn::Zero(d)), d,
               weights + j);
  return shift;
}

// The V rows of the tile with the weights that are listed in the scratch.
HWY_INLINE ListedValues ListedInScratch(const AttentionTile& t, std::int64_t kept,
                                        const TileScratch& scratch) {
  return {scratch.weights, scratch.indices, kept, kept, t.value_rows(), t.head_dim, t.from_memory};
}

// Attends a row to its kept keys, which are listed in the scratch with their scores.
HWY_INLINE void AttendListedRow(const AttentionTile& t, std::int64_t r, std::int64_t kept,
                                const TileSums& sums, TileScratch& scratch) {
  const float shift = WeighListed(scratch.weights, kept, t.theta()[r], sums.states[r].largest);
  const auto join = [&](float sum)
                        HWY_ATTR { return JoinOf(sums.states[r], shift, static_cast<double>(sum)); };
  SumListedValues(ListedInScratch(t, kept, scratch), join, sums.out + r * t.head_dim);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
