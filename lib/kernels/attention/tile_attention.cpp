#include "kernels/attention/tile_attention.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "kernels/attention/bf16_scores.hpp"
#include "kernels/attention/narrow_keys.hpp"
#include "kernels/attention/score_tile.hpp"
#include "kernels/attention/tile_prefilter.hpp"
#include "kernels/attention/tile_steps.hpp"
#include "kernels/attention/value_tile.hpp"
#include "kernels/rows/soft_cap.hpp"
#include "kernels/vector/fetch.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/tile_attention.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include "kernels/attention/kept_list-inl.hpp"
#include "kernels/attention/tile_softmax-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// The state of one row within a tile.
struct TileRow {
  std::int64_t kept = 0;
  bool in_place = false;  // many keys are kept: weights replace the scores, with zeros for dropped keys
  Join join{1, 1};
};

// Replaces the scores [0, num_keys) by weights.
HWY_INLINE void WeighInPlace(const AttentionTile& t, std::int64_t r, float theta, float* scores,
                             const TileSums& sums, TileRow& row) {
  const std::int64_t padded = Pad(scores, t.visible[r], kMinusInfinity);
  // A comparison with theta drops NaN. Where nothing is to be dropped, a NaN must show in the result.
  const RowRange range =
      theta == kMinusInfinity ? RangeOf(scores, padded) : RowRange{MaxAbove(scores, padded, theta), false};
  sums.states[r].largest = std::max(sums.states[r].largest, range.largest);
  const double sum = ExpAbove(scores, padded, theta, range.largest);
  row.join = JoinOf(sums.states[r], range.largest, sum);
  if (range.any_nan) row.join.add = std::numeric_limits<float>::quiet_NaN();
  if (range.any_nan) sums.states[r].kept_sum = std::numeric_limits<double>::quiet_NaN();
  std::fill(scores + padded, scores + std::max(padded, t.num_keys), 0.0F);
}

// The same for a row that keeps few keys, in a tile where most rows keep many. The weights are the same to
// the bit as those from a list of all rows.
HWY_INLINE void SpreadListed(const AttentionTile& t, std::int64_t r, float* scores, const TileSums& sums,
                             TileScratch& scratch, TileRow& row) {
  ListKept(scores, scratch.marks + r * kTileWords, 0, scratch.indices, scratch.weights);
  const float shift = WeighListed(scratch.weights, row.kept, t.theta()[r], sums.states[r].largest);
  float sum = 0;
  for (std::int64_t j = 0; j < row.kept; ++j)
    sum += scratch.weights[j];
  row.join = JoinOf(sums.states[r], shift, static_cast<double>(sum));
  std::fill(scores, scores + t.num_keys, 0.0F);
  for (std::int64_t j = 0; j < row.kept; ++j)
    scores[scratch.indices[j]] = scratch.weights[j];
}

// The number of words of marks that the tile's keys take in a union.
HWY_INLINE std::int64_t UnionWords(const AttentionTile& t) {
  return (t.num_keys + 63) / 64;
}

HWY_INLINE void UniteMarks(const AttentionTile& t, const std::uint64_t* marks, std::uint64_t* kept_union) {
  if (kept_union == nullptr) return;
  for (std::int64_t r = 0; r < t.rows; ++r)
    for (std::int64_t w = 0; w < UnionWords(t); ++w)
      kept_union[w] |= marks[r * kTileWords + w];
}

// Widens the V rows that some row keeps, each in its place. Those of the next 64 keys are prefetched.
HWY_INLINE void WidenMarked(const AttentionTile& t, const NarrowRows& narrow, const std::uint64_t* marks) {
  std::uint64_t kept[kTileWords] = {};
  for (std::int64_t r = 0; r < t.rows; ++r)
    for (std::int64_t w = 0; w < kTileWords; ++w)
      kept[w] |= marks[r * kTileWords + w];
  const auto for_each = [&](std::int64_t w, auto&& visit) HWY_ATTR {
    for (std::uint64_t word = kept[w]; word != 0; word &= word - 1)
      visit(w * 64 + std::countr_zero(word));
  };
  constexpr std::int64_t kLine = 64;
  const std::int64_t row = row_bytes(narrow.type, t.head_dim);
  const auto fetch = [&](std::int64_t w) HWY_ATTR {
    for_each(w, [&](std::int64_t key) HWY_ATTR {
      for (std::int64_t i = 0; i < row; i += kLine)
        fetch_line(narrow.row(key, t.head_dim) + i);
    });
  };
  if (t.from_memory) fetch(0);
  for (std::int64_t w = 0; w < kTileWords; ++w) {
    if (t.from_memory && w + 1 < kTileWords) fetch(w + 1);
    for_each(
        w, [&](std::int64_t key) { widen_rows(narrow, t.head_dim, key, 1, narrow.wide + key * t.head_dim); });
  }
}

// Memory for `size` floats, reused from tile to tile.
HWY_INLINE float* Room(std::vector<float>& room, std::int64_t size) {
  if (room.size() < static_cast<std::size_t>(size)) room.resize(static_cast<std::size_t>(size));
  return room.data();
}

HWY_INLINE void JoinDense(const AttentionTile& t, const TileRow* rows, const TileSums& sums,
                          TileScratch& scratch) {
  NarrowRows narrow;
  if (const NarrowRows* const stored = t.narrow_values()) {
    narrow = *stored;
    narrow.wide = Room(scratch.wide, kValueStep * t.head_dim);
  }
  float* const tile_sums = Room(scratch.sums, kTileRows * t.head_dim);
  sum_dense_values({.weights = scratch.scores,
                    .weight_stride = TileScratch::kStride,
                    .rows = t.rows,
                    .values = t.value_rows(),
                    .head_dim = t.head_dim,
                    .keys = t.num_keys,
                    .sums = tile_sums,
                    .prefetch = t.from_memory,
                    .narrow = narrow.rows != nullptr ? &narrow : nullptr});
  const hn::CappedTag<float, 4> d;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    if (rows[r].kept == 0 && rows[r].join.add == rows[r].join.add) continue;
    for (std::int64_t i = 0; i < t.head_dim; i += static_cast<std::int64_t>(hn::Lanes(d)))
      JoinInto(d, rows[r].join, hn::LoadU(d, tile_sums + r * t.head_dim + i), sums.out + r * t.head_dim + i);
  }
}

void AllKept(const AttentionTile& t, const TileSums& sums, TileScratch& scratch) {
  TileRow rows[kTileRows];
  for (std::int64_t r = 0; r < t.rows; ++r) {
    rows[r].kept = t.seen(r);
    sums.states[r].kept += rows[r].kept;
    float* const scores = scratch.scores + r * TileScratch::kStride;
    std::fill_n(scores, t.hidden[r], kMinusInfinity);
    if (rows[r].kept > 0)
      WeighInPlace(t, r, kMinusInfinity, scores, sums, rows[r]);
    else
      std::fill(scores, scores + t.num_keys, 0.0F);
  }
  if (sums.kept_union != nullptr) {
    std::uint64_t all[kTileWords];
    std::fill(all, all + kTileWords, ~std::uint64_t{0});
    ClearInvisible(all, *std::max_element(t.visible, t.visible + t.rows));
    // The windows of neighbouring rows overlap or adjoin, so the union has no gaps.
    std::int64_t hidden = kTileKeys;
    for (std::int64_t r = 0; r < t.rows; ++r)
      if (rows[r].kept > 0) hidden = std::min<std::int64_t>(hidden, t.hidden[r]);
    ClearHidden(all, hidden);
    for (std::int64_t w = 0; w < UnionWords(t); ++w)
      sums.kept_union[w] |= all[w];
  }
  JoinDense(t, rows, sums, scratch);
}

// Counts what each row keeps; returns how many rows weigh in place.
HWY_INLINE std::int64_t CountRows(const AttentionTile& t, const TileSums& sums, TileScratch& scratch,
                                  TileRow* rows) {
  std::int64_t in_place = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    std::uint64_t* const marks = scratch.marks + r * kTileWords;
    float* const scores = scratch.scores + r * TileScratch::kStride;
    if (t.visible[r] < kTileKeys) ClearInvisible(marks, t.visible[r]);
    if (t.hidden[r] > 0) ClearHidden(marks, t.hidden[r]);
    std::fill_n(scores, t.hidden[r], kMinusInfinity);
    rows[r].kept = CountMarks(marks);
    rows[r].in_place = t.theta()[r] == kMinusInfinity || WeighsInPlace(rows[r].kept, t.seen(r));
    in_place += rows[r].in_place ? 1 : 0;
    sums.states[r].kept += rows[r].kept;
    if (t.chosen->want_dropped && rows[r].kept < t.seen(r)) {
      sums.states[r].dropped_sum +=
          ExpSumBelow(scores, Pad(scores, t.visible[r], kMinusInfinity), t.theta()[r]);
    }
  }
  return in_place;
}

// Attends all rows to all V rows of the tile.
HWY_INLINE void AttendDense(const AttentionTile& t, TileRow* rows, const TileSums& sums,
                            TileScratch& scratch) {
  for (std::int64_t r = 0; r < t.rows; ++r) {
    float* const scores = scratch.scores + r * TileScratch::kStride;
    if (rows[r].in_place)
      WeighInPlace(t, r, t.theta()[r], scores, sums, rows[r]);
    else if (rows[r].kept > 0)
      SpreadListed(t, r, scores, sums, scratch, rows[r]);
    else
      std::fill(scores, scores + t.num_keys, 0.0F);
  }
  JoinDense(t, rows, sums, scratch);
}

// Attends the rows that do not weigh in place, one after the other.
HWY_INLINE void AttendRowByRow(const AttentionTile& t, const TileRow* rows, const TileSums& sums,
                               TileScratch& scratch) {
  for (std::int64_t r = 0; r < t.rows; ++r) {
    if (rows[r].in_place || rows[r].kept == 0) continue;
    ListKept(scratch.scores + r * TileScratch::kStride, scratch.marks + r * kTileWords, 0, scratch.indices,
             scratch.weights);
    AttendListedRow(t, r, rows[r].kept, sums, scratch);
  }
}

void SomeKept(const AttentionTile& t, const TileSums& sums, TileScratch& scratch) {
  TileRow rows[kTileRows];
  const std::int64_t in_place = CountRows(t, sums, scratch, rows);
  UniteMarks(t, scratch.marks, sums.kept_union);
  if (2 * in_place > t.rows) return AttendDense(t, rows, sums, scratch);
  if (const NarrowRows* const narrow = t.narrow_values()) WidenMarked(t, *narrow, scratch.marks);
  for (std::int64_t r = 0; r < t.rows && in_place > 0; ++r) {
    if (!rows[r].in_place) continue;
    float* const scores = scratch.scores + r * TileScratch::kStride;
    std::uint64_t* const marks = scratch.marks + r * kTileWords;
    WeighInPlace(t, r, t.theta()[r], scores, sums, rows[r]);
    ListKept(scores, marks, 0, scratch.indices, scratch.weights);
    const auto join = [&](float /*sum*/) HWY_ATTR { return rows[r].join; };
    SumListedValues(ListedInScratch(t, rows[r].kept, scratch), join, sums.out + r * t.head_dim);
    std::fill_n(marks, kTileWords, std::uint64_t{0});
  }
  const std::int64_t count = ListTile(t, scratch, scratch.kept);
  if (!AttendKept(t, count, sums, scratch.kept)) AttendRowByRow(t, rows, sums, scratch);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(AllKept);
HWY_EXPORT(SomeKept);

namespace {

ScoreTile scores_of(const AttentionTile& t, TileScratch& scratch) {
  const auto* const keys = std::get_if<const float*>(&t.keys);
  return {.q = t.queries.rows,
          .q_stride = t.queries.stride,
          .rows = t.rows,
          .keys = keys != nullptr ? *keys : nullptr,
          .head_dim = t.head_dim,
          .blocks = (t.num_keys + kKeyBlock - 1) / kKeyBlock,
          .scale = t.scale,
          .scores = scratch.scores,
          .score_stride = TileScratch::kStride,
          .theta = t.chosen && !(t.soft_cap > 0) ? t.theta() : nullptr,
          .marks = {reinterpret_cast<std::byte*>(scratch.marks), kTileKeys / kKeyBlock}};
}

// The part of a tile that is a run of its key blocks.
ScoreTile part_of(const ScoreTile& whole, std::int64_t first, std::int64_t last) {
  ScoreTile part = whole;
  part.blocks = last - first;
  if (whole.keys != nullptr) part.keys += first * kKeyBlock * whole.head_dim;
  part.scores += first * kKeyBlock;
  part.marks = whole.marks.from(first);
  return part;
}

// For keys of 16 or 8 bits: widens as many at a time as stay in the first-level cache.
void score_narrow(const AttentionTile& t, const NarrowKeys& narrow, const ScoreTile& whole,
                  const BlockRun& run, std::vector<float>& wide) {
  constexpr std::int64_t kFloats = 4096;
  const std::int64_t block_size = kKeyBlock * whole.head_dim;
  const std::int64_t step = std::max<std::int64_t>(1, kFloats / block_size);
  if (wide.size() < static_cast<std::size_t>(step * block_size))
    wide.resize(static_cast<std::size_t>(step * block_size));
  for (std::int64_t first = run.first; first < run.last; first += step) {
    ScoreTile part = part_of(whole, first, std::min(run.last, first + step));
    const NarrowKeys keys = narrow.from(first * kKeyBlock, whole.head_dim);
    widen_keys(keys, part.blocks, whole.head_dim, wide.data());
    part.keys = wide.data();
    if (t.from_memory) {
      part.stored = keys.packed;
      part.stored_stride = row_bytes(keys.type, kKeyBlock);
    }
    score_tile(part);
  }
}

void score_run(const AttentionTile& t, const ScoreTile& whole, const BlockRun& run,
               std::vector<float>& wide) {
  const auto* const narrow = std::get_if<NarrowKeys>(&t.keys);
  if (narrow != nullptr && t.queries.bf16 == nullptr) return score_narrow(t, *narrow, whole, run, wide);
  ScoreTile part = part_of(whole, run.first, run.last);
  if (narrow != nullptr) {
    const std::uint16_t* const keys = narrow->from(run.first * kKeyBlock, t.head_dim).halves();
    if (t.from_memory) part.stored = keys;
    return score_tile_bf16(part, t.queries.bf16, keys);
  }
  if (t.from_memory) {
    part.stored = part.keys;
    part.stored_stride = kKeyBlock * std::int64_t{sizeof(float)};
  }
  score_tile(part);
}

// Soft-caps a run of scores, and marks the results.
void cap_run(const AttentionTile& t, ScoreTile part) {
  for (std::int64_t r = 0; r < t.rows; ++r)
    soft_cap({part.scores + r * part.score_stride, static_cast<std::size_t>(part.blocks * kKeyBlock)},
             t.soft_cap);
  if (!t.chosen) return;
  part.theta = t.theta();
  mark_scores(part);
}

// Computes the scores of the live pages; all others count as dropped.
void score_live_pages(const AttentionTile& t, std::uint32_t live, TileScratch& scratch) {
  const ScoreTile whole = scores_of(t, scratch);
  for (const BlockRun run : runs_of_pages(live, whole.blocks)) {
    if (run.live) {
      score_run(t, whole, run, scratch.wide);
      if (t.soft_cap > 0) cap_run(t, part_of(whole, run.first, run.last));
      continue;
    }
    const ScoreTile part = part_of(whole, run.first, run.last);
    for (std::int64_t r = 0; r < t.rows; ++r) {
      std::fill_n(part.marks.at(r, 0), part.blocks * kMarkBytes, std::byte{0});
      std::fill_n(part.scores + r * part.score_stride, part.blocks * kKeyBlock,
                  -std::numeric_limits<float>::infinity());
    }
  }
}

}  // namespace

void score_keys_of(const AttentionTile& tile, TileScratch& scratch) {
  AttentionTile all = tile;
  all.chosen.reset();
  score_live_pages(all, kAllPages, scratch);
}

void attend_scored(const AttentionTile& tile, const TileSums& sums, TileScratch& scratch) {
  ScoreTile marked = scores_of(tile, scratch);
  marked.theta = tile.theta();
  mark_scores(marked);
  HWY_DYNAMIC_DISPATCH(SomeKept)(tile, sums, scratch);
}

void attend_tile(const AttentionTile& tile, const TileSums& sums, TileScratch& scratch) {
  if (!tile.chosen) {
    score_live_pages(tile, kAllPages, scratch);
    return HWY_DYNAMIC_DISPATCH(AllKept)(tile, sums, scratch);
  }
  // Keys may be skipped only if the dropped take part in no sum, and if a larger product means a larger
  // score.
  const bool skips = !tile.chosen->want_dropped && tile.scale > 0;
  std::uint32_t live = kAllPages;
  if (skips && tile.index.bounds) live = live_pages(tile, scratch);
  if (live == 0) return;
  if (skips && tile.index.codes && attend_candidates(tile, live, sums, scratch)) return;
  score_live_pages(tile, live, scratch);
  HWY_DYNAMIC_DISPATCH(SomeKept)(tile, sums, scratch);
}

}  // namespace toptheta
#endif  // HWY_ONCE
