// Rows of a tile from the keys alone that their codes leave as candidates: the same chains of multiply-adds
// as score_tile's for those, and the same sums for what is kept.
#include <algorithm>

#include "kernels/tile_prefilter.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention_candidates.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/cache_control.h>

#include "kernels/weigh_row-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// Keys from `rows` on, one per lane.
struct LaneKeys {
  const float* at[kKeyBlock];
};

#if HWY_TARGET != HWY_SCALAR
// Four dimensions of a vector's keys: lane g of the result u holds dimension u of key g, reordered as
// KeyOfLane says.
template <class D>
HWY_INLINE hn::Vec<D> LoadQuads(D d, const LaneKeys& keys, std::int64_t first, std::int64_t i) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, keys.at[first] + i);
  } else {
    const hn::Half<D> half;
    constexpr auto kStep = static_cast<std::int64_t>(hn::MaxLanes(hn::Half<D>()));
    return hn::Combine(d, LoadQuads(half, keys, first + kStep, i), LoadQuads(half, keys, first, i));
  }
}

// The scores of kKeyBlock keys for one row.
HWY_INLINE void ScoreKeys(const float* q, const LaneKeys& keys, std::int64_t head_dim, float scale,
                          float* scores) {
  const Floats d;
  const hn::Repartition<double, Floats> dd;
  Vec sum[kBlockVectors];
  for (int v = 0; v < kBlockVectors; ++v)
    sum[v] = hn::Zero(d);
  for (std::int64_t i = 0; i < head_dim; i += 4) {
    for (int v = 0; v < kBlockVectors; ++v) {
      // Groups of four lanes hold keys 0-3, 4-7, ...: key u of each group, four dimensions; then transposed.
      const Vec a = LoadQuads(d, keys, v * kLanes, i);
      const Vec b = LoadQuads(d, keys, v * kLanes + 1, i);
      const Vec c = LoadQuads(d, keys, v * kLanes + 2, i);
      const Vec e = LoadQuads(d, keys, v * kLanes + 3, i);
      const auto ab_low = hn::BitCast(dd, hn::InterleaveLower(d, a, b));  // a0 b0 a1 b1
      const auto ce_low = hn::BitCast(dd, hn::InterleaveLower(d, c, e));
      const auto ab_high = hn::BitCast(dd, hn::InterleaveUpper(d, a, b));  // a2 b2 a3 b3
      const auto ce_high = hn::BitCast(dd, hn::InterleaveUpper(d, c, e));
      sum[v] = hn::MulAdd(hn::Set(d, q[i]), hn::BitCast(d, hn::InterleaveLower(dd, ab_low, ce_low)), sum[v]);
      sum[v] =
          hn::MulAdd(hn::Set(d, q[i + 1]), hn::BitCast(d, hn::InterleaveUpper(dd, ab_low, ce_low)), sum[v]);
      sum[v] =
          hn::MulAdd(hn::Set(d, q[i + 2]), hn::BitCast(d, hn::InterleaveLower(dd, ab_high, ce_high)), sum[v]);
      sum[v] =
          hn::MulAdd(hn::Set(d, q[i + 3]), hn::BitCast(d, hn::InterleaveUpper(dd, ab_high, ce_high)), sum[v]);
    }
  }
  for (int v = 0; v < kBlockVectors; ++v)
    hn::StoreU(hn::Mul(sum[v], hn::Set(d, scale)), d, scores + v * kLanes);
}
#else
HWY_INLINE void ScoreKeys(const float* q, const LaneKeys& keys, std::int64_t head_dim, float scale,
                          float* scores) {
  const Floats d;
  for (std::int64_t g = 0; g < kKeyBlock; ++g) {
    Vec sum = hn::Zero(d);
    for (std::int64_t i = 0; i < head_dim; ++i)
      sum = hn::MulAdd(hn::Set(d, q[i]), hn::Set(d, keys.at[g][i]), sum);
    scores[g] = hn::GetLane(sum) * scale;
  }
}
#endif

HWY_INLINE void PrefetchRows(const float* rows, std::int64_t head_dim, const std::int32_t* positions,
                             std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c)
    for (std::int64_t line = 0; line < head_dim; line += 16)
      hwy::Prefetch(rows + positions[c] * head_dim + line);
}

// Scores a row's candidates and lists those above its threshold in scratch.indices and scratch.weights.
HWY_INLINE std::int64_t ListSurvivors(const AttentionTile& t, std::int64_t r, const std::int32_t* candidates,
                                      std::int64_t count, TileScratch& scratch) {
  const float* const q = t.q + r * t.q_stride;
  std::int64_t kept = 0;
  for (std::int64_t first = 0; first < count; first += kKeyBlock) {
    const std::int64_t keys = std::min(kKeyBlock, count - first);
    LaneKeys lanes;
    for (std::int64_t g = 0; g < kKeyBlock; ++g)
      lanes.at[g] = t.key_rows + candidates[first + std::min(g, keys - 1)] * t.head_dim;
    float scores[kKeyBlock];
    ScoreKeys(q, lanes, t.head_dim, t.scale, scores);
    for (std::int64_t g = 0; g < keys; ++g) {
      scratch.weights[kept] = scores[g];
      scratch.indices[kept] = candidates[first + g];
      kept += scores[g] > t.theta[r] ? 1 : 0;
    }
  }
  return kept;
}

// A row that keeps so much that others would weigh it in place, among all its scores: those that are not
// candidates are below its threshold, whatever they are.
HWY_INLINE void WeighScattered(const AttentionTile& t, std::int64_t r, std::int64_t kept,
                               TileScratch& scratch) {
  float* const scores = scratch.scores;
  std::fill_n(scores, t.visible[r], kMinusInfinity);
  for (std::int64_t j = 0; j < kept; ++j)
    scores[scratch.indices[j]] = scratch.weights[j];
  const std::int64_t padded = Pad(scores, t.visible[r], kMinusInfinity);
  const float shift = MaxAbove(scores, padded, t.theta[r]);
  const double sum = ExpAbove(scores, padded, t.theta[r], shift);
  for (std::int64_t j = 0; j < kept; ++j)
    scratch.weights[j] = scores[scratch.indices[j]];
  SumListedValues(scratch.weights, scratch.indices, kept, t.values, t.head_dim,
                  JoinOf(t.states[r], shift, sum), t.out + r * t.head_dim);
}

// marks: [rows][kTileWords] of keys that the rows see.
void AttendMarked(const AttentionTile& t, const std::uint64_t* marks, TileScratch& scratch) {
  // Single keys of memory: a row's are asked for while the row before it is at work.
  std::int64_t next = CountMarks(marks);
  ListMarks(marks, scratch.candidates[0]);
  PrefetchRows(t.key_rows, t.head_dim, scratch.candidates[0], next);
  for (std::int64_t r = 0; r < t.rows; ++r) {
    const std::int64_t count = next;
    const std::int32_t* const candidates = scratch.candidates[r % 2];
    if (r + 1 < t.rows) {
      const std::uint64_t* const later = marks + (r + 1) * kTileWords;
      next = CountMarks(later);
      ListMarks(later, scratch.candidates[(r + 1) % 2]);
      PrefetchRows(t.key_rows, t.head_dim, scratch.candidates[(r + 1) % 2], next);
    }
    const std::int64_t kept = ListSurvivors(t, r, candidates, count, scratch);
    if (kept == 0) continue;
    t.states[r].kept += kept;
    if (t.kept_union != nullptr)
      for (std::int64_t j = 0; j < kept; ++j)
        t.kept_union[scratch.indices[j] / 64] |= std::uint64_t{1} << (scratch.indices[j] % 64);
    if (WeighsInPlace(kept, t.visible[r]))
      WeighScattered(t, r, kept, scratch);
    else
      WeighList(t, kept, scratch, t.states[r], t.out + r * t.head_dim);
  }
}

std::int64_t ClearAndCount(const AttentionTile& t, std::uint64_t* marks) {
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    ClearInvisible(marks + r * kTileWords, t.visible[r]);
    count += CountMarks(marks + r * kTileWords);
  }
  return count;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(AttendMarked);
HWY_EXPORT(ClearAndCount);

bool attend_candidates(const AttentionTile& t, std::uint32_t live, TileScratch& scratch) {
  constexpr std::int64_t kRowBlocks = kTileKeys / kKeyBlock;
  std::fill_n(scratch.marks, t.rows * (kTileKeys / 64), std::uint64_t{0});
  auto* const marks = reinterpret_cast<std::uint16_t*>(scratch.marks);
  for (const BlockRun run : runs_of_pages(live, (t.num_keys + kKeyBlock - 1) / kKeyBlock))
    if (run.live)
      mark_candidates(*t.query_codes,
                      {t.codes->codes + run.first * kKeyBlock * t.head_dim, t.codes->facts + run.first},
                      run.last - run.first, t.theta, t.scale, marks + run.first, kRowBlocks);
  std::int64_t visible = 0;
  for (std::int64_t r = 0; r < t.rows; ++r)
    visible += t.visible[r];
  const std::int64_t candidates = HWY_DYNAMIC_DISPATCH(ClearAndCount)(t, scratch.marks);
  scratch.keys_seen += visible;
  scratch.keys_left += candidates;
  // A single key costs three or four times what a key among all costs.
  if (candidates * 5 > visible) return false;
  HWY_DYNAMIC_DISPATCH(AttendMarked)(t, scratch.marks, scratch);
  return true;
}

}  // namespace toptheta
#endif  // HWY_ONCE
