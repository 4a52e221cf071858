// Attends the rows of a tile to only those keys whose codes leave them as candidates. Their scores are
// computed by the same chains of multiply-adds as in score_tile(), and what is kept is summed in the same
// order.
#include <algorithm>

#include "kernels/attention/tile_prefilter.hpp"
#include "kernels/rows/soft_cap.hpp"
#include "kernels/vector/fetch.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/candidates.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/cache_control.h>

#include "kernels/attention/kept_list-inl.hpp"
#include "kernels/attention/tile_softmax-inl.hpp"

#ifndef TOPTHETA_ATTENTION_CANDIDATES_ONCE
#define TOPTHETA_ATTENTION_CANDIDATES_ONCE
namespace toptheta {
namespace {

struct CandidateCounts {
  std::int64_t visible = 0;     // scores
  std::int64_t candidates = 0;  // how many of these scores
  std::int64_t positions = 0;   // keys that are a candidate for some row
};

}  // namespace
}  // namespace toptheta
#endif  // TOPTHETA_ATTENTION_CANDIDATES_ONCE

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// Some candidates of a row, one per lane, each with a chain of multiply-adds. Several chains at a time hide
// each other's latency.
struct Piece {
  const float* q;
  const float* keys[kLanes];
};
inline constexpr int kPieces = kLanes > 8 ? 1 : 4;
inline constexpr std::int64_t kPiecesAhead =
    kPieces > 1 ? 2 * kPieces : 4;  // how far ahead keys are prefetched

#if HWY_TARGET != HWY_SCALAR
// Loads four dimensions of every fourth key: each group of four lanes belongs to one key.
template <class D>
HWY_INLINE hn::Vec<D> LoadQuads(D d, const float* const* keys, std::int64_t i) {
  constexpr auto kWidth = static_cast<std::int64_t>(hn::MaxLanes(D()));
  if constexpr (kWidth == 4) {
    return hn::LoadU(d, keys[0] + i);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, LoadQuads(half, keys + kWidth / 2, i), LoadQuads(half, keys, i));
  }
}

#if HWY_TARGET <= HWY_AVX3
// Adds sixteen dimensions of sixteen keys, a cache line each. They are transposed in registers in four steps.
HWY_INLINE void AddSixteen(const Piece& piece, std::int64_t i, Vec& sum) {
  const Floats d;
  const hn::Repartition<double, Floats> dd;
  Vec quads[4][4];  // [keys / 4][u] lane 4 l + v: dimension i + 4 l + u of key v of the four
#pragma GCC unroll 4
  for (int g = 0; g < 4; ++g) {
    const Vec a = hn::LoadU(d, piece.keys[4 * g] + i);
    const Vec b = hn::LoadU(d, piece.keys[4 * g + 1] + i);
    const Vec c = hn::LoadU(d, piece.keys[4 * g + 2] + i);
    const Vec e = hn::LoadU(d, piece.keys[4 * g + 3] + i);
    const auto ab_low = hn::BitCast(dd, hn::InterleaveLower(d, a, b));
    const auto ce_low = hn::BitCast(dd, hn::InterleaveLower(d, c, e));
    const auto ab_high = hn::BitCast(dd, hn::InterleaveUpper(d, a, b));
    const auto ce_high = hn::BitCast(dd, hn::InterleaveUpper(d, c, e));
    quads[g][0] = hn::BitCast(d, hn::InterleaveLower(dd, ab_low, ce_low));
    quads[g][1] = hn::BitCast(d, hn::InterleaveUpper(dd, ab_low, ce_low));
    quads[g][2] = hn::BitCast(d, hn::InterleaveLower(dd, ab_high, ce_high));
    quads[g][3] = hn::BitCast(d, hn::InterleaveUpper(dd, ab_high, ce_high));
  }
  Vec dims[16];
#pragma GCC unroll 4
  for (int u = 0; u < 4; ++u) {
    const __m512 low01 = _mm512_shuffle_f32x4(quads[0][u].raw, quads[1][u].raw, 0x44);  // blocks 0 1 of each
    const __m512 low23 = _mm512_shuffle_f32x4(quads[2][u].raw, quads[3][u].raw, 0x44);
    const __m512 high01 = _mm512_shuffle_f32x4(quads[0][u].raw, quads[1][u].raw, 0xEE);  // 2 3
    const __m512 high23 = _mm512_shuffle_f32x4(quads[2][u].raw, quads[3][u].raw, 0xEE);
    dims[u] = Vec{_mm512_shuffle_f32x4(low01, low23, 0x88)};  // the first of each pair
    dims[4 + u] = Vec{_mm512_shuffle_f32x4(low01, low23, 0xDD)};
    dims[8 + u] = Vec{_mm512_shuffle_f32x4(high01, high23, 0x88)};
    dims[12 + u] = Vec{_mm512_shuffle_f32x4(high01, high23, 0xDD)};
  }
#pragma GCC unroll 16
  for (int u = 0; u < 16; ++u)
    sum = hn::MulAdd(hn::Set(d, piece.q[i + u]), dims[u], sum);
}
#endif

HWY_INLINE void ScorePieces(const Piece (&pieces)[kPieces], std::int64_t head_dim, float scale,
                            float* const (&scores)[kPieces]) {
  const Floats d;
  const hn::Repartition<double, Floats> dd;
  Vec sum[kPieces];
  for (int p = 0; p < kPieces; ++p)
    sum[p] = hn::Zero(d);
  std::int64_t i = 0;
#if HWY_TARGET <= HWY_AVX3
  for (; i + kLanes <= head_dim; i += kLanes)
    for (int p = 0; p < kPieces; ++p)
      AddSixteen(pieces[p], i, sum[p]);
#endif
  for (; i < head_dim; i += 4) {
    for (int p = 0; p < kPieces; ++p) {
      // Lanes 4 g + u of a, b, c, e: dimension i + u of keys 4 g, 4 g + 1 ...; then transposed.
      const Vec a = LoadQuads(d, pieces[p].keys, i);
      const Vec b = LoadQuads(d, pieces[p].keys + 1, i);
      const Vec c = LoadQuads(d, pieces[p].keys + 2, i);
      const Vec e = LoadQuads(d, pieces[p].keys + 3, i);
      const auto ab_low = hn::BitCast(dd, hn::InterleaveLower(d, a, b));  // a0 b0 a1 b1
      const auto ce_low = hn::BitCast(dd, hn::InterleaveLower(d, c, e));
      const auto ab_high = hn::BitCast(dd, hn::InterleaveUpper(d, a, b));  // a2 b2 a3 b3
      const auto ce_high = hn::BitCast(dd, hn::InterleaveUpper(d, c, e));
      const float* const q = pieces[p].q + i;
      sum[p] = hn::MulAdd(hn::Set(d, q[0]), hn::BitCast(d, hn::InterleaveLower(dd, ab_low, ce_low)), sum[p]);
      sum[p] = hn::MulAdd(hn::Set(d, q[1]), hn::BitCast(d, hn::InterleaveUpper(dd, ab_low, ce_low)), sum[p]);
      sum[p] =
          hn::MulAdd(hn::Set(d, q[2]), hn::BitCast(d, hn::InterleaveLower(dd, ab_high, ce_high)), sum[p]);
      sum[p] =
          hn::MulAdd(hn::Set(d, q[3]), hn::BitCast(d, hn::InterleaveUpper(dd, ab_high, ce_high)), sum[p]);
    }
  }
  for (int p = 0; p < kPieces; ++p)
    hn::StoreU(hn::Mul(sum[p], hn::Set(d, scale)), d, scores[p]);
}
#else
HWY_INLINE void ScorePieces(const Piece (&pieces)[kPieces], std::int64_t head_dim, float scale,
                            float* const (&scores)[kPieces]) {
  const Floats d;
  for (int p = 0; p < kPieces; ++p) {
    Vec sum = hn::Zero(d);
    for (std::int64_t i = 0; i < head_dim; ++i)
      sum = hn::MulAdd(hn::Set(d, pieces[p].q[i]), hn::Set(d, pieces[p].keys[0][i]), sum);
    *scores[p] = hn::GetLane(sum) * scale;
  }
}
#endif

// Lists the candidates of all rows. Each row's list is padded with its last candidate to whole pieces.
// Returns the number of pieces.
HWY_INLINE std::int64_t ListPieces(const AttentionTile& t, const std::uint64_t* marks,
                                   CandidateScratch& scratch) {
  std::int64_t size = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    const std::int64_t count = CountMarks(marks + r * kTileWords);
    std::int32_t* const positions = scratch.positions + size;
    ListMarks(marks + r * kTileWords, positions);
    const std::int64_t padded = (count + kLanes - 1) / kLanes * kLanes;
    for (std::int64_t c = count; c < padded; ++c)
      positions[c] = positions[count - 1];
    for (std::int64_t c = 0; c < padded; c += kLanes)
      scratch.rows[(size + c) / kLanes] = static_cast<std::uint8_t>(r);
    scratch.counts[r] = static_cast<std::int32_t>(count);
    size += padded;
  }
  return size / kLanes;
}

HWY_INLINE void ScorePiecesOf(const AttentionTile& t, std::int64_t pieces, CandidateScratch& scratch) {
  const float* const key_rows = t.index.codes->key_rows;
  const auto for_lines = [&](std::int64_t piece, auto&& visit) HWY_ATTR {
    for (std::int64_t l = 0; l < kLanes; ++l)
      for (std::int64_t line = 0; line < t.head_dim; line += 16)
        visit(key_rows + scratch.positions[piece * kLanes + l] * t.head_dim + line);
  };
  const auto fetch = [&](std::int64_t piece)
                         HWY_ATTR { for_lines(piece, [](const float* line) HWY_ATTR { fetch_line(line); }); };
  for (std::int64_t piece = 0; piece < std::min(kPiecesAhead, pieces); ++piece)
    fetch(piece);
  for (std::int64_t first = 0; first < pieces; first += kPieces) {
    Piece some[kPieces];
    float* scores[kPieces];
    for (std::int64_t p = 0; p < kPieces; ++p) {
      const std::int64_t piece = std::min(first + p, pieces - 1);
      if (piece + kPiecesAhead < pieces) fetch(piece + kPiecesAhead);
      if (kPieces > 1 && piece + kPieces < pieces)
        for_lines(piece + kPieces, [](const float* line) HWY_ATTR { hwy::Prefetch(line); });
      some[p].q = t.queries.row(scratch.rows[piece]);
      for (std::int64_t l = 0; l < kLanes; ++l)
        some[p].keys[l] = key_rows + scratch.positions[piece * kLanes + l] * t.head_dim;
      scores[p] = scratch.scores + piece * kLanes;
    }
    ScorePieces(some, t.head_dim, t.scale, scores);
  }
}

// Lists those candidates of a row that are above its threshold: their positions, and their scores minus
// `less`.
HWY_INLINE std::int64_t ListSurvivors(const std::int32_t* positions, const float* scores, std::int64_t count,
                                      float theta, float less, std::int32_t* places, float* weights) {
  std::int64_t kept = 0;
#if HWY_TARGET <= HWY_AVX3
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  for (std::int64_t c = 0; c < count; c += kLanes) {
    const Vec some = hn::LoadU(d, scores + c);
    const auto above =
        hn::And(hn::Gt(some, hn::Set(d, theta)), hn::FirstN(d, static_cast<std::size_t>(count - c)));
    hn::StoreU(hn::Compress(hn::Sub(some, hn::Set(d, less)), above), d, weights + kept);
    hn::StoreU(hn::Compress(hn::LoadU(di, positions + c), hn::RebindMask(di, above)), di, places + kept);
    kept += static_cast<std::int64_t>(hn::CountTrue(d, above));
  }
#else
  for (std::int64_t c = 0; c < count; ++c) {
    weights[kept] = scores[c] - less;
    places[kept] = positions[c];
    kept += scores[c] > theta ? 1 : 0;
  }
#endif
  return kept;
}

// A row that keeps so many keys that other kernels weigh it in place, among all its scores. Those that are
// not candidates are below its threshold anyway.
HWY_INLINE void WeighScattered(const AttentionTile& t, std::int64_t r, std::int64_t kept,
                               const TileSums& sums, TileScratch& scratch) {
  float* const scores = scratch.scores;
  std::fill_n(scores, t.visible[r], kMinusInfinity);
  for (std::int64_t j = 0; j < kept; ++j)
    scores[scratch.indices[j]] = scratch.weights[j];
  const std::int64_t padded = Pad(scores, t.visible[r], kMinusInfinity);
  const float shift = MaxAbove(scores, padded, t.theta()[r]);
  sums.states[r].largest = std::max(sums.states[r].largest, shift);
  const double sum = ExpAbove(scores, padded, t.theta()[r], shift);
  for (std::int64_t j = 0; j < kept; ++j)
    scratch.weights[j] = scores[scratch.indices[j]];
  const auto join = [&](float /*sum*/) HWY_ATTR { return JoinOf(sums.states[r], shift, sum); };
  SumListedValues(ListedInScratch(t, kept, scratch), join, sums.out + r * t.head_dim);
}

// Counts what a row keeps, and widens the V rows that it needs.
HWY_INLINE void NoteKept(const AttentionTile& t, std::int64_t r, const std::int32_t* places,
                         std::int64_t kept, const TileSums& sums) {
  sums.states[r].kept += kept;
  if (sums.kept_union != nullptr)
    for (std::int64_t j = 0; j < kept; ++j)
      sums.kept_union[places[j] / 64] |= std::uint64_t{1} << (places[j] % 64);
  const NarrowRows* const narrow = t.narrow_values();
  for (std::int64_t j = 0; j < kept && narrow != nullptr; ++j)
    widen_rows(*narrow, t.head_dim, places[j], 1, narrow->wide + places[j] * t.head_dim);
}

// marks: [rows][kTileWords], only of keys that the rows see.
void AttendMarked(const AttentionTile& t, const std::uint64_t* marks, const TileSums& sums,
                  TileScratch& scratch) {
  CandidateScratch& candidates = scratch.candidates;
  KeptScratch& list = scratch.kept;
  const std::int64_t pieces = ListPieces(t, marks, candidates);
  ScorePiecesOf(t, pieces, candidates);
  if (t.soft_cap > 0) soft_cap({candidates.scores, static_cast<std::size_t>(pieces * kLanes)}, t.soft_cap);
  const auto survivors = [&](std::int64_t r, std::int64_t first, float less, std::int32_t* places,
                             float* weights) HWY_ATTR {
    return ListSurvivors(candidates.positions + first, candidates.scores + first, candidates.counts[r],
                         t.theta()[r], less, places, weights);
  };
  const auto padded = [&](std::int64_t r) { return (candidates.counts[r] + kLanes - 1) / kLanes * kLanes; };
  std::int64_t count = 0;
  for (std::int64_t r = 0, first = 0; r < t.rows; first += padded(r++)) {
    const std::int64_t kept = survivors(r, first, t.theta()[r], list.places + count, list.weights + count);
    list.counts[r] = kept;
    NoteKept(t, r, list.places + count, kept, sums);
    if (kept > 0 && WeighsInPlace(kept, t.seen(r))) {
      list.counts[r] = 0;
      survivors(r, first, 0, scratch.indices, scratch.weights);
      WeighScattered(t, r, kept, sums, scratch);
    }
    count += list.counts[r];
  }
  if (AttendKept(t, count, sums, list)) return;
  for (std::int64_t r = 0, first = 0; r < t.rows; first += padded(r++)) {
    if (list.counts[r] == 0) continue;
    survivors(r, first, 0, scratch.indices, scratch.weights);
    AttendListedRow(t, r, list.counts[r], sums, scratch);
  }
}

CandidateCounts ClearAndCount(const AttentionTile& t, std::uint64_t* marks) {
  CandidateCounts counts;
  std::uint64_t some_row[kTileWords] = {};
  for (std::int64_t r = 0; r < t.rows; ++r) {
    std::uint64_t* const row = marks + r * kTileWords;
    ClearInvisible(row, t.visible[r]);
    ClearHidden(row, t.hidden[r]);
    counts.candidates += CountMarks(row);
    counts.visible += t.seen(r);
    for (std::int64_t w = 0; w < kTileWords; ++w)
      some_row[w] |= row[w];
  }
  counts.positions = CountMarks(some_row);
  return counts;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(AttendMarked);
HWY_EXPORT(ClearAndCount);

bool attend_candidates(const AttentionTile& t, std::uint32_t live, const TileSums& sums,
                       TileScratch& scratch) {
  const TileCodes& codes = *t.index.codes;
  constexpr std::int64_t kRowBlocks = kTileKeys / kKeyBlock;
  std::fill_n(scratch.marks, t.rows * (kTileKeys / 64), std::uint64_t{0});
  const BlockMarks marks{reinterpret_cast<std::byte*>(scratch.marks), kRowBlocks};
  for (const BlockRun run : runs_of_pages(live, (t.num_keys + kKeyBlock - 1) / kKeyBlock))
    if (run.live)
      mark_candidates(*codes.queries,
                      {codes.keys.codes + run.first * kKeyBlock * t.head_dim, codes.keys.facts + run.first},
                      run.last - run.first, t.chosen->before_cap, t.scale, marks.from(run.first));
  const CandidateCounts counts = HWY_DYNAMIC_DISPATCH(ClearAndCount)(t, scratch.marks);
  const bool few = counts.candidates * CandidateScratch::kLeast <= counts.visible;
  scratch.keys_seen += counts.visible;
  if (few) scratch.keys_saved += counts.visible - CandidateScratch::kCost * counts.candidates;
  scratch.positions_seen += t.num_keys;
  scratch.positions_left += counts.positions;
  if (!few) return false;
  HWY_DYNAMIC_DISPATCH(AttendMarked)(t, scratch.marks, sums, scratch);
  return true;
}

}  // namespace toptheta
#endif  // HWY_ONCE
