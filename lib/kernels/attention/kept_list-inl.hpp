// Lists what the rows of a tile keep, row after row, and sums V over the list; included in kernel files once
// per instruction set. A row keeps about a dozen keys of a tile, too few to hide the latency of its own list,
// exponentials, sum and V rows. So each step is done for all rows before the next step.
#if defined(TOPTHETA_KERNELS_KEPT_LIST_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_KEPT_LIST_INL_HPP
#undef TOPTHETA_KERNELS_KEPT_LIST_INL_HPP
#else
#define TOPTHETA_KERNELS_KEPT_LIST_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "kernels/attention/tile_softmax-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// Lists the marked keys, with their scores minus the thresholds; returns how many there are.
HWY_INLINE std::int64_t ListTile(const AttentionTile& t, const TileScratch& scratch, KeptScratch& list) {
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    list.counts[r] = ListKept(scratch.scores + r * TileScratch::kStride, scratch.marks + r * kTileWords,
                              t.theta()[r], list.places + count, list.weights + count);
    count += list.counts[r];
  }
  return count;
}

// weights = e^weights. Returns false, and the results must not be used, where a score is too far above its
// threshold.
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
    if (list.counts[r] > 0) list.largest[r] = t.theta()[r] + *std::max_element(above, above + list.counts[r]);
}

// Adds the listed keys of all rows to their states and sums. Returns false without doing so where a score is
// too far above its threshold.
HWY_INLINE bool AttendKept(const AttentionTile& t, std::int64_t count, const TileSums& sums,
                           KeptScratch& list) {
  if (count == 0) return true;
  const float* const values = t.value_rows();
  if (t.from_memory) FetchFirst({list.weights, list.places, count, count, values, t.head_dim, t.from_memory});
  if (t.chosen->want_largest) FindLargest(t, list);
  if (!WeighTile(count, list.weights)) return false;
  std::int64_t first = 0;
  for (std::int64_t r = 0; r < t.rows; first += list.counts[r++]) {
    RowState& state = sums.states[r];
    if (list.counts[r] == 0) continue;
    if (t.chosen->want_largest) state.largest = std::max(state.largest, list.largest[r]);
    const auto join = [&](float sum)
                          HWY_ATTR { return JoinOf(state, t.theta()[r], static_cast<double>(sum)); };
    SumListedValues({list.weights + first, list.places + first, list.counts[r], count - first, values,
                     t.head_dim, t.from_memory},
                    join, sums.out + r * t.head_dim);
  }
  return true;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
