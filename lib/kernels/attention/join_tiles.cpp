// What is done around tiles: joining their states, and adding keys that were selected elsewhere.
#include <algorithm>

#include "kernels/attention/tile_attention.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/join_tiles.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include "kernels/attention/tile_softmax-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

void JoinRows(const RowState& from, const float* from_out, std::int64_t head_dim, RowState& state,
              float* out) {
  state.kept += from.kept;
  state.dropped_sum += from.dropped_sum;
  state.largest = std::max(state.largest, from.largest);
  if (from.kept == 0) return;
  const Join join = JoinOf(state, from.shift, from.kept_sum);
  const hn::CappedTag<float, 4> d;
  for (std::int64_t i = 0; i < head_dim; i += static_cast<std::int64_t>(hn::Lanes(d)))
    JoinInto(d, join, hn::LoadU(d, from_out + i), out + i);
}

// For a row that keeps so many keys that tiles weigh it in place: sums in the same order. Returns the sum of
// the weights, and in `shift` the score that they are relative to.
HWY_INLINE double WeighAmongAll(const ListedKeys& k, float& shift) {
  float row[kTileKeys] = {};
  const std::int64_t padded = (k.visible + kLanes - 1) / kLanes * kLanes;
  std::fill(row, row + padded, kMinusInfinity);
  for (std::int64_t j = 0; j < k.count; ++j)
    row[k.indices[j] - k.first] = k.scores[j];
  shift = MaxAbove(row, padded, kMinusInfinity);
  const double sum = ExpAbove(row, padded, kMinusInfinity, shift);
  for (std::int64_t j = 0; j < k.count; ++j)
    k.scores[j] = row[k.indices[j] - k.first];
  return sum;
}

void AttendListed(const ListedKeys& k, RowState& state, float* out) {
  std::int32_t within[kTileKeys];
  for (std::int64_t j = 0; j < k.count; ++j)
    within[j] = k.indices[j] - static_cast<std::int32_t>(k.first);
  state.kept += k.count;
  const ListedValues list{k.scores, within, k.count, k.count, k.values, k.head_dim};
  float shift = 0;
  if (WeighsInPlace(k.count, k.visible - k.hidden)) {
    const double sum = WeighAmongAll(k, shift);
    state.largest = std::max(state.largest, shift);
    return SumListedValues(
        list, [&](float /*sum*/) HWY_ATTR { return JoinOf(state, shift, sum); }, out);
  }
  // The rest of the list belongs to the next tile, so it is restored after the padding has overwritten it.
  float next[kKeyBlock] = {};
  std::copy(k.scores + k.count, k.scores + k.count + kKeyBlock, next);
  shift = WeighListed(k.scores, k.count, k.theta, state.largest);
  std::copy(next, next + kKeyBlock, k.scores + k.count);
  SumListedValues(
      list, [&](float sum) HWY_ATTR { return JoinOf(state, shift, static_cast<double>(sum)); }, out);
}

double DroppedSum(std::span<const float> row, float theta) {
  double sum = 0;
  for (std::size_t first = 0; first < row.size(); first += static_cast<std::size_t>(kTileKeys)) {
    const std::size_t count = std::min(row.size() - first, static_cast<std::size_t>(kTileKeys));
    const std::size_t whole = count / static_cast<std::size_t>(kLanes) * static_cast<std::size_t>(kLanes);
    float tail[2 * kKeyBlock] = {};
    std::copy(row.data() + first + whole, row.data() + first + count, tail);
    const auto rest = static_cast<std::int64_t>(count - whole);
    sum += ExpSumBelow(row.data() + first, static_cast<std::int64_t>(whole), theta);
    if (rest > 0) sum += ExpSumBelow(tail, Pad(tail, rest, kMinusInfinity), theta);
  }
  return sum;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(JoinRows);
HWY_EXPORT(AttendListed);
HWY_EXPORT(DroppedSum);

void join_rows(const RowState& from, const float* from_out, std::int64_t head_dim, RowState& state,
               float* out) {
  HWY_DYNAMIC_DISPATCH(JoinRows)(from, from_out, head_dim, state, out);
}

void attend_listed(const ListedKeys& keys, RowState& state, float* out) {
  HWY_DYNAMIC_DISPATCH(AttendListed)(keys, state, out);
}

double dropped_sum(std::span<const float> row, float theta) {
  return HWY_DYNAMIC_DISPATCH(DroppedSum)(row, theta);
}

}  // namespace toptheta
#endif  // HWY_ONCE
