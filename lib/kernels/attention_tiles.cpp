#include "kernels/attention_tiles.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_tiles.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include "kernels/exp2-inl.hpp"
#include "kernels/prefilter-inl.hpp"
#include "kernels/score_tile-inl.hpp"
#include "kernels/value_tile-inl.hpp"
#include "kernels/weigh_row-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// A row's kept, listed in the scratch with their scores.
HWY_INLINE void WeighList(const AttentionTile& t, std::int64_t kept, TileScratch& scratch, RowState& state,
                          float* out) {
  const std::int64_t padded = Pad(scratch.weights, kept, kMinusInfinity);
  const float shift = MaxAbove(scratch.weights, padded, kMinusInfinity);
  const double sum = ExpAbove(scratch.weights, padded, kMinusInfinity, shift);
  const Join join = JoinOf(state, shift, sum);
  SumListedValues(scratch.weights, scratch.indices, kept, t.values, t.head_dim, join, out);
}

// The kept of a row as a list.
HWY_INLINE void SparseRow(const AttentionTile& t, const float* scores, const std::uint64_t* marks,
                          std::int64_t kept, TileScratch& scratch, RowState& state, float* out) {
  ListMarks(marks, scratch.indices);
  for (std::int64_t j = 0; j < kept; ++j)
    scratch.weights[j] = scores[scratch.indices[j]];
  WeighList(t, kept, scratch, state, out);
}

// What becomes of one row within a tile.
struct TileRow {
  std::int64_t kept;
  bool in_place;  // so much is kept that its weights stay where the scores are, the dropped as zeros
  Join join;
};

// Weights in place of the scores: [0, num_keys).
HWY_INLINE void WeighInPlace(const AttentionTile& t, std::int64_t r, float theta, float* scores,
                             TileRow& row) {
  const std::int64_t padded = Pad(scores, t.visible[r], kMinusInfinity);
  const float shift = MaxAbove(scores, padded, theta);
  const double sum = ExpAbove(scores, padded, theta, shift);
  row.join = JoinOf(t.states[r], shift, sum);
  std::fill(scores + padded, scores + std::max(padded, t.num_keys), 0.0F);
}

// The same for a row with few kept among rows with many: the same bits as SparseRow.
HWY_INLINE void WeighListed(const AttentionTile& t, std::int64_t r, const std::uint64_t* marks, float* scores,
                            TileScratch& scratch, TileRow& row) {
  ListMarks(marks, scratch.indices);
  for (std::int64_t j = 0; j < row.kept; ++j)
    scratch.weights[j] = scores[scratch.indices[j]];
  const std::int64_t padded = Pad(scratch.weights, row.kept, kMinusInfinity);
  const float shift = MaxAbove(scratch.weights, padded, kMinusInfinity);
  const double sum = ExpAbove(scratch.weights, padded, kMinusInfinity, shift);
  row.join = JoinOf(t.states[r], shift, sum);
  std::fill(scores, scores + t.num_keys, 0.0F);
  for (std::int64_t j = 0; j < row.kept; ++j)
    scores[scratch.indices[j]] = scratch.weights[j];
}

HWY_INLINE void UniteMarks(const AttentionTile& t, const std::uint64_t* marks) {
  if (t.kept_union == nullptr) return;
  for (std::int64_t r = 0; r < t.rows; ++r)
    for (std::int64_t w = 0; w < kTileWords; ++w)
      t.kept_union[w] |= marks[r * kTileWords + w];
}

HWY_INLINE void JoinDense(const AttentionTile& t, const TileRow* rows, const TileScratch& scratch) {
  SumDenseValues({scratch.scores, TileScratch::kStride, t.rows, t.values, t.head_dim, t.num_keys, t.sums,
                  t.from_memory});
  const hn::CappedTag<float, 4> d;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    if (rows[r].kept == 0) continue;
    for (std::int64_t i = 0; i < t.head_dim; i += static_cast<std::int64_t>(hn::Lanes(d)))
      JoinInto(d, rows[r].join, hn::LoadU(d, t.sums + r * t.head_dim + i), t.out + r * t.head_dim + i);
  }
}

void AllKept(const AttentionTile& t, TileScratch& scratch) {
  TileRow rows[kTileRows];
  for (std::int64_t r = 0; r < t.rows; ++r) {
    rows[r].kept = t.visible[r];
    t.states[r].kept += t.visible[r];
    float* const scores = scratch.scores + r * TileScratch::kStride;
    if (t.visible[r] > 0)
      WeighInPlace(t, r, kMinusInfinity, scores, rows[r]);
    else
      std::fill(scores, scores + t.num_keys, 0.0F);
  }
  if (t.kept_union != nullptr) {
    std::uint64_t all[kTileWords];
    std::fill(all, all + kTileWords, ~std::uint64_t{0});
    ClearInvisible(all, *std::max_element(t.visible, t.visible + t.rows));
    for (std::int64_t w = 0; w < kTileWords; ++w)
      t.kept_union[w] |= all[w];
  }
  JoinDense(t, rows, scratch);
}

void SomeKept(const AttentionTile& t, TileScratch& scratch) {
  TileRow rows[kTileRows];
  std::int64_t in_place = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    std::uint64_t* const marks = scratch.marks + r * kTileWords;
    if (t.visible[r] < kTileKeys) ClearInvisible(marks, t.visible[r]);
    rows[r].kept = CountMarks(marks);
    rows[r].in_place = WeighsInPlace(rows[r].kept, t.visible[r]);
    in_place += rows[r].in_place ? 1 : 0;
    t.states[r].kept += rows[r].kept;
    if (t.want_dropped && rows[r].kept < t.visible[r]) {
      float* const scores = scratch.scores + r * TileScratch::kStride;
      t.states[r].dropped_sum += ExpSumBelow(scores, Pad(scores, t.visible[r], kMinusInfinity), t.theta[r]);
    }
  }
  UniteMarks(t, scratch.marks);
  const bool dense = 2 * in_place > t.rows;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    float* const scores = scratch.scores + r * TileScratch::kStride;
    const std::uint64_t* const marks = scratch.marks + r * kTileWords;
    float* const out = t.out + r * t.head_dim;
    if (!dense && !rows[r].in_place) {
      if (rows[r].kept > 0) SparseRow(t, scores, marks, rows[r].kept, scratch, t.states[r], out);
    } else if (!dense) {
      WeighInPlace(t, r, t.theta[r], scores, rows[r]);
      ListMarks(marks, scratch.indices);
      for (std::int64_t j = 0; j < rows[r].kept; ++j)
        scratch.weights[j] = scores[scratch.indices[j]];
      SumListedValues(scratch.weights, scratch.indices, rows[r].kept, t.values, t.head_dim, rows[r].join,
                      out);
    } else if (rows[r].in_place) {
      WeighInPlace(t, r, t.theta[r], scores, rows[r]);
    } else if (rows[r].kept > 0) {
      WeighListed(t, r, marks, scores, scratch, rows[r]);
    } else {
      std::fill(scores, scores + t.num_keys, 0.0F);
    }
  }
  if (dense) JoinDense(t, rows, scratch);
}

HWY_INLINE ScoreTile<float> ScoresOf(const AttentionTile& t, TileScratch& scratch) {
  return {t.q,
          t.q_stride,
          t.rows,
          t.keys,
          t.head_dim,
          (t.num_keys + kKeyBlock - 1) / kKeyBlock,
          t.scale,
          scratch.scores,
          TileScratch::kStride,
          t.theta,
          reinterpret_cast<std::uint16_t*>(scratch.marks),
          kTileKeys / kKeyBlock,
          t.from_memory,
          nullptr,
          nullptr};
}

// Scores of the pages that may matter; the others count as dropped.
HWY_INLINE void ScoreLivePages(const AttentionTile& t, TileScratch& scratch) {
  constexpr std::int64_t kPageBlocks = kPageKeys / kKeyBlock;
  const ScoreTile<float> whole = ScoresOf(t, scratch);
  const std::int64_t pages = (t.num_keys + kPageKeys - 1) / kPageKeys;
  const std::uint32_t live = LivePages(t, scratch) & ((1U << pages) - 1);
  scratch.pages_seen += pages;
  scratch.pages_skipped += pages - std::popcount(live);
  std::int64_t page = 0;
  while (page < pages) {
    const bool is_live = (live >> page & 1) != 0;
    std::int64_t end = page + 1;
    while (end < pages && ((live >> end & 1) != 0) == is_live)
      ++end;
    const std::int64_t first = page * kPageBlocks;
    ScoreTile<float> part = whole;
    part.blocks = std::min(end * kPageBlocks, whole.blocks) - first;
    part.keys += first * kKeyBlock * t.head_dim;
    part.scores += first * kKeyBlock;
    part.marks += first;
    if (is_live) ScoreAll<true>(part);
    for (std::int64_t r = 0; r < t.rows && !is_live; ++r) {
      std::fill_n(part.marks + r * part.mark_stride, part.blocks, std::uint16_t{0});
      std::fill_n(part.scores + r * part.score_stride, part.blocks * kKeyBlock, kMinusInfinity);
    }
    page = end;
  }
}

// Only the keys that the bytes leave as candidates; false, and nothing done, where they are too many.
HWY_INLINE bool AttendCandidates(const AttentionTile& t, TileScratch& scratch) {
  std::uint64_t marks[kTileWords];
  MarkCandidates(t, scratch, marks);
  std::int64_t visible = t.num_keys;
  for (std::int64_t r = 0; r < t.rows; ++r)
    visible = std::min<std::int64_t>(visible, t.visible[r]);
  ClearInvisible(marks, t.num_keys);
  const std::int64_t count = CountMarks(marks);
  // Rows that keep much are weighed in place (WeighsInPlace), for which all scores are needed.
  if (WeighsInPlace(count, visible)) return false;
  if (count == 0) return true;
  ListMarks(marks, scratch.candidates);
  const std::int64_t blocks = (count + kKeyBlock - 1) / kKeyBlock;
  const auto size = static_cast<std::size_t>(kTileKeys * t.head_dim);
  if (scratch.packed.size() < size) scratch.packed.resize(size);
  // Single rows of memory: all are asked for before the first is needed, V in case the key survives.
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t line = 0; line < t.head_dim; line += 16) {
      hwy::Prefetch(t.bytes->rows + scratch.candidates[c] * t.head_dim + line);
      if (c < 32) hwy::Prefetch(t.values + scratch.candidates[c] * t.head_dim + line);
    }
  for (std::int64_t b = 0; b < blocks; ++b)
    PackBlock(t.bytes->rows, scratch.candidates + b * kKeyBlock, std::min(kKeyBlock, count - b * kKeyBlock),
              t.head_dim, scratch.packed.data() + b * kKeyBlock * t.head_dim);
  ScoreTile<float> score = ScoresOf(t, scratch);
  score.keys = scratch.packed.data();
  score.blocks = blocks;
  score.prefetch = false;
  ScoreAll<true>(score);
  for (std::int64_t r = 0; r < t.rows; ++r) {
    std::uint64_t* const row_marks = scratch.marks + r * kTileWords;
    const std::int32_t* const last =
        std::lower_bound(scratch.candidates, scratch.candidates + count, t.visible[r]);
    ClearInvisible(row_marks, last - scratch.candidates);
    const std::int64_t kept = CountMarks(row_marks);
    t.states[r].kept += kept;
    if (kept == 0) continue;
    ListMarks(row_marks, scratch.indices);
    const float* const scores = scratch.scores + r * TileScratch::kStride;
    for (std::int64_t j = 0; j < kept; ++j) {
      scratch.weights[j] = scores[scratch.indices[j]];
      const std::int32_t position = scratch.candidates[scratch.indices[j]];
      scratch.indices[j] = position;
      if (t.kept_union != nullptr) t.kept_union[position / 64] |= std::uint64_t{1} << (position % 64);
    }
    WeighList(t, kept, scratch, t.states[r], t.out + r * t.head_dim);
  }
  return true;
}

void AttendTile(const AttentionTile& t, TileScratch& scratch) {
  if (t.theta == nullptr) {
    ScoreAll<false>(ScoresOf(t, scratch));
    return AllKept(t, scratch);
  }
  const bool skips = !t.want_dropped && t.scale > 0;
  if (skips && t.bytes != nullptr && t.rows <= kByteRows && AttendCandidates(t, scratch)) return;
  if (skips && t.bounds != nullptr)
    ScoreLivePages(t, scratch);
  else
    ScoreAll<true>(ScoresOf(t, scratch));
  SomeKept(t, scratch);
}

void JoinRows(const RowState& from, const float* from_out, std::int64_t head_dim, RowState& state,
              float* out) {
  state.kept += from.kept;
  state.dropped_sum += from.dropped_sum;
  if (from.kept == 0) return;
  const Join join = JoinOf(state, from.shift, from.kept_sum);
  const hn::CappedTag<float, 4> d;
  for (std::int64_t i = 0; i < head_dim; i += static_cast<std::int64_t>(hn::Lanes(d)))
    JoinInto(d, join, hn::LoadU(d, from_out + i), out + i);
}

void AttendListed(const ListedKeys& k, RowState& state, float* out) {
  // What follows in the list belongs to the next tile: it must outlive the padding.
  float next[kKeyBlock] = {};
  std::copy(k.scores + k.count, k.scores + k.count + kKeyBlock, next);
  std::int64_t padded = Pad(k.scores, k.count, kMinusInfinity);
  const float shift = MaxAbove(k.scores, padded, kMinusInfinity);
  double sum = 0;
  if (!WeighsInPlace(k.count, k.visible)) {
    sum = ExpAbove(k.scores, padded, kMinusInfinity, shift);
  } else {
    float row[kTileKeys] = {};
    padded = (k.visible + kLanes - 1) / kLanes * kLanes;
    std::fill(row, row + padded, kMinusInfinity);
    for (std::int64_t j = 0; j < k.count; ++j)
      row[k.indices[j] - k.first] = k.scores[j];
    sum = ExpAbove(row, padded, kMinusInfinity, shift);
    for (std::int64_t j = 0; j < k.count; ++j)
      k.scores[j] = row[k.indices[j] - k.first];
  }
  std::copy(next, next + kKeyBlock, k.scores + k.count);
  state.kept += k.count;
  const Join join = JoinOf(state, shift, sum);
  SumListedValues(k.scores, k.indices, k.count, k.values, k.head_dim, join, out);
}

double DroppedSum(std::span<const float> row, float theta) {
  double sum = 0;
  for (std::size_t first = 0; first < row.size(); first += static_cast<std::size_t>(kTileKeys)) {
    const std::size_t count = std::min(row.size() - first, static_cast<std::size_t>(kTileKeys));
    const std::size_t whole = count / static_cast<std::size_t>(kLanes) * static_cast<std::size_t>(kLanes);
    float tail[kKeyBlock] = {};
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

HWY_EXPORT(AttendTile);
HWY_EXPORT(JoinRows);
HWY_EXPORT(AttendListed);
HWY_EXPORT(DroppedSum);

void attend_tile(const AttentionTile& tile, TileScratch& scratch) {
  HWY_DYNAMIC_DISPATCH(AttendTile)(tile, scratch);
}

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
