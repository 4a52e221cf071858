// What the rows of a tile keep, as one list in the order of the keys, and the sums of V over it, per
// instruction set; included inside a kernel file. A key block's V rows stay in the first-level cache while
// all rows that keep some of them pass by, and no row's work waits for that of the one before it: a row keeps
// a dozen keys of a tile, too few to hide a chain of list, exponentials, sum and V rows of its own.
#if defined(TOPTHETA_KERNELS_KEPT_LIST_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_KEPT_LIST_INL_HPP
#undef TOPTHETA_KERNELS_KEPT_LIST_INL_HPP
#else
#define TOPTHETA_KERNELS_KEPT_LIST_INL_HPP
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/weigh_row-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

inline constexpr std::int64_t kTileBlocks = kTileKeys / kKeyBlock;

// Lists a row's kept: positions within the tile, and scores less the threshold.
HWY_INLINE std::int64_t ListRow(const float* scores, const std::uint64_t* marks, float theta,
                                std::int32_t* places, float* weights) {
#if HWY_TARGET <= HWY_AVX3
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const hn::CappedTag<std::uint16_t, kTileKeys / kKeyBlock> words;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(marks);
  const auto within = hn::Iota(di, 0);
  const Vec bound = hn::Set(d, theta);
  std::uint32_t some = 0;  // blocks
  const auto blocks = hn::LoadU(words, reinterpret_cast<const std::uint16_t*>(marks));
  hn::StoreMaskBits(words, hn::Ne(blocks, hn::Zero(words)), reinterpret_cast<std::uint8_t*>(&some));
  std::int64_t n = 0;
  for (; some != 0; some &= some - 1) {
    const int block = std::countr_zero(some);
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes + block * std::int64_t{sizeof bits}, sizeof bits);
    const auto mask = hn::LoadMaskBits(d, reinterpret_cast<const std::uint8_t*>(&bits));
    const auto at = hn::Add(within, hn::Set(di, block * static_cast<std::int32_t>(kKeyBlock)));
    const auto kept_at = hn::Compress(at, hn::RebindMask(di, mask));
    const Vec above = hn::Compress(hn::Sub(hn::LoadU(d, scores + block * kKeyBlock), bound), mask);
    const int count = std::popcount(bits);
    const hn::CappedTag<float, 4> d4;
    const hn::RebindToSigned<decltype(d4)> di4;
    hn::StoreU(hn::LowerHalf(di4, hn::LowerHalf(kept_at)), di4, places + n);
    hn::StoreU(hn::LowerHalf(d4, hn::LowerHalf(above)), d4, weights + n);
    if (HWY_UNLIKELY(count > 4)) {
      hn::StoreU(kept_at, di, places + n);
      hn::StoreU(above, d, weights + n);
    }
    n += count;
  }
  return n;
#else
  ListKept(scores, marks, places, weights);
  const auto n = CountMarks(marks);
  for (std::int64_t j = 0; j < n; ++j)
    weights[j] -= theta;
  return n;
#endif
}

// Lists what the marks say; returns how many.
HWY_INLINE std::int64_t ListTile(const AttentionTile& t, const TileScratch& scratch, KeptScratch& list) {
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    list.counts[r] = ListRow(scratch.scores + r * TileScratch::kStride, scratch.marks + r * kTileWords,
                             t.theta[r], list.places + count, list.weights + count);
    count += list.counts[r];
  }
  return count;
}

// weights = e^weights; false, and nothing of use done, where some score is too far above its threshold.
HWY_INLINE bool WeighTile(std::int64_t count, float* weights) {
  const Floats d;
  Vec largest = hn::Zero(d);
  hn::StoreU(largest, d, weights + count);
  for (std::int64_t j = 0; j < count; j += kLanes) {
    const Vec x = hn::LoadU(d, weights + j);
    largest = hn::Max(largest, x);
    hn::StoreU(ExpBelow(d, x, hn::Zero(d)), d, weights + j);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest)) <= kReach;
}

HWY_INLINE void FindLargest(const AttentionTile& t, KeptScratch& list) {
  const float* above = list.weights;
  for (std::int64_t r = 0; r < t.rows; above += list.counts[r++])
    if (list.counts[r] > 0) list.largest[r] = t.theta[r] + *std::max_element(above, above + list.counts[r]);
}

// Adds the listed of all rows to their states and sums; false, and nothing done, where some score is too far
// above its threshold.
HWY_INLINE bool AttendKept(const AttentionTile& t, std::int64_t count, KeptScratch& list) {
  if (count == 0) return true;
  if (t.want_largest) FindLargest(t, list);
  if (!WeighTile(count, list.weights)) return false;
  std::int64_t first = 0;
  for (std::int64_t r = 0; r < t.rows; first += list.counts[r++]) {
    RowState& state = t.states[r];
    if (list.counts[r] == 0) continue;
    if (t.want_largest) state.largest = std::max(state.largest, list.largest[r]);
    const auto join = [&](float sum) HWY_ATTR { return JoinOf(state, t.theta[r], static_cast<double>(sum)); };
    SumListedValues({list.weights + first, list.places + first, list.counts[r], count - first, t.values,
                     t.head_dim, t.from_memory},
                    join, t.out + r * t.head_dim);
  }
  return true;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
