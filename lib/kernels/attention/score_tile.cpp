#include "kernels/attention/score_tile.hpp"

#include <algorithm>

#include "kernels/vector/fetch.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/score_tile.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/cache_control.h>

#include "kernels/vector/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

inline constexpr int kPrefetchBlocks = 8;  // how far ahead keys are prefetched, at least

// Bit g is set where the score of key g of a block is above the bound.
HWY_INLINE std::uint16_t MarkBits(const Vec* scores, Vec bound) {
  std::uint32_t bits = 0;
#pragma GCC unroll 16
  for (int v = 0; v < kBlockVectors; ++v)
    bits |= MaskBits(hn::Gt(scores[v], bound)) << (v * kLanes);
  return static_cast<std::uint16_t>(bits);
}

// Loops over registers are unrolled by pragma, here and below: only then does the compiler keep the sums in
// registers from their initialisation to the store.

// Stores sums as scores, and if kMarks also a bit for each score that is above its row's bound.
template <int kRows, int kBlocks, bool kMarks>
HWY_INLINE void StoreScores(const Vec (&sum)[kRows][kBlocks * kBlockVectors], const ScoreTile& t,
                            std::int64_t row, std::int64_t block) {
  const Floats d;
  constexpr int kVectors = kBlocks * kBlockVectors;
  float* scores = t.scores + row * t.score_stride + block * kKeyBlock;
  const std::int64_t score_stride = t.score_stride;
  [[maybe_unused]] const float* const theta = t.theta + (kMarks ? row : 0);
  [[maybe_unused]] std::byte* marks = kMarks ? t.marks.at(row, block) : nullptr;
  [[maybe_unused]] const std::int64_t mark_stride = t.marks.row_blocks * kMarkBytes;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r, scores += score_stride) {
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v)
      hn::StoreU(sum[r][v], d, scores + v * kLanes);
    if constexpr (kMarks) {
      const Vec bound = hn::Set(d, theta[r]);
#pragma GCC unroll 16
      for (int b = 0; b < kBlocks; ++b)
        store_marks(MarkBits(sum[r] + b * kBlockVectors, bound), marks + b * kMarkBytes);
      marks += mark_stride;
    }
  }
}

// The scores of kRows rows with the keys of kBlocks blocks, from `row` and `block` on.
template <int kRows, int kBlocks, bool kMarks>
HWY_INLINE void ScoreRegisters(const ScoreTile& t, std::int64_t row, std::int64_t block) {
  const Floats d;
  constexpr int kVectors = kBlocks * kBlockVectors;
  constexpr int kPointers = (kRows + 2) / 3;  // a row's address is a pointer and 0, 1 or 2 strides
  const std::int64_t head_dim = t.head_dim;
  const std::int64_t q_stride = t.q_stride;
  const std::int64_t block_size = head_dim * kKeyBlock;
  const float* keys = t.keys + block * block_size;
  const float* q[kPointers];
  for (std::int64_t p = 0; p < kPointers; ++p)
    q[p] = t.q + (row + 3 * p) * q_stride;
  const std::int64_t ahead_stride = t.stored_stride;
  const auto* ahead = static_cast<const char*>(t.stored);
  if (ahead != nullptr) ahead += (block + std::max(kBlocks, kPrefetchBlocks)) * head_dim * ahead_stride;
  Vec sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = hn::Zero(d);
  for (std::int64_t i = 0; i < head_dim; ++i, keys += kKeyBlock) {
    Vec k[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v)
      k[v] = hn::LoadU(d, keys + (v / kBlockVectors) * block_size + (v % kBlockVectors) * kLanes);
    if (ahead != nullptr) {
      for (int b = 0; b < kBlocks; ++b, ahead += ahead_stride)
        fetch_line(ahead);
      // With one block at a time, too few lines would be on their way between the caches.
      if constexpr (kBlocks == 1) hwy::Prefetch(keys + block_size);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vec x = hn::Set(d, q[r / 3][(r % 3) * q_stride]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v)
        sum[r][v] = hn::MulAdd(x, k[v], sum[r][v]);
    }
#pragma GCC unroll 16
    for (int p = 0; p < kPointers; ++p) {
      ++q[p];
      Forget(q[p]);
    }
  }
  if (t.scale != 1) {
    const Vec scale = hn::Set(d, t.scale);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v)
        sum[r][v] = hn::Mul(sum[r][v], scale);
  }
  StoreScores<kRows, kBlocks, kMarks>(sum, t, row, block);
}

// `panels` times kRows rows, from `row` on; keys stay in the first-level cache while all rows are multiplied
// with them.
template <int kRows, bool kMarks>
HWY_NOINLINE void ScorePanels(const ScoreTile& t, std::int64_t row, std::int64_t panels) {
  constexpr int kBlocks = std::max(1, std::min(4, kSumRegisters / (kRows * kBlockVectors)));
  std::int64_t block = 0;
  for (; block + kBlocks <= t.blocks; block += kBlocks)
    for (std::int64_t p = 0; p < panels; ++p)
      ScoreRegisters<kRows, kBlocks, kMarks>(t, row + p * kRows, block);
  if constexpr (kBlocks > 1)
    for (; block < t.blocks; ++block)
      for (std::int64_t p = 0; p < panels; ++p)
        ScoreRegisters<kRows, 1, kMarks>(t, row + p * kRows, block);
}

template <int kRows, bool kMarks>
HWY_INLINE void ScorePanelsOf(std::int64_t rows, const ScoreTile& t, std::int64_t row, std::int64_t panels) {
  if (panels == 0) return;
  if (rows == kRows) return ScorePanels<kRows, kMarks>(t, row, panels);
  if constexpr (kRows > 1) ScorePanelsOf<kRows - 1, kMarks>(rows, t, row, panels);
}

template <bool kMarks>
HWY_INLINE void ScoreAll(const ScoreTile& t) {
  if (t.rows == 0) return;
  const std::int64_t panels = (t.rows + kScoreRows - 1) / kScoreRows;
  const std::int64_t few = t.rows / panels;
  const std::int64_t fuller = t.rows % panels;  // panels with one row more
  ScorePanelsOf<kScoreRows, kMarks>(few + 1, t, 0, fuller);
  ScorePanelsOf<kScoreRows, kMarks>(few, t, fuller * (few + 1), panels - fuller);
}

void MarkScores(const ScoreTile& t) {
  const Floats d;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    const Vec bound = hn::Set(d, t.theta[r]);
    for (std::int64_t b = 0; b < t.blocks; ++b) {
      Vec scores[kBlockVectors];
      for (int v = 0; v < kBlockVectors; ++v)
        scores[v] = hn::LoadU(d, t.scores + r * t.score_stride + b * kKeyBlock + v * kLanes);
      store_marks(MarkBits(scores, bound), t.marks.at(r, b));
    }
  }
}

void ScoreTileOf(const ScoreTile& t) {
  if (t.theta != nullptr) return ScoreAll<true>(t);
  ScoreAll<false>(t);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(ScoreTileOf);
HWY_EXPORT(MarkScores);

void score_tile(const ScoreTile& tile) {
  HWY_DYNAMIC_DISPATCH(ScoreTileOf)(tile);
}

void mark_scores(const ScoreTile& tile) {
  HWY_DYNAMIC_DISPATCH(MarkScores)(tile);
}

}  // namespace toptheta
#endif  // HWY_ONCE
