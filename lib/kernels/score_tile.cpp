#include "kernels/score_tile.hpp"

#include <algorithm>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/score_tile.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/cache_control.h>

#include "kernels/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

inline constexpr int kPrefetchBlocks = 4;  // how far ahead keys are fetched from memory, at least

template <int kRows, int kBlocks, bool kMarks>
HWY_INLINE void ScoreRegisters(const ScoreTile& t, std::int64_t row, std::int64_t block) {
  const Floats d;
  constexpr int kVectors = kBlocks * kBlockVectors;
  const float* keys = t.keys + block * kKeyBlock * t.head_dim;
  const float* q = t.q + row * t.q_stride;
  const auto* ahead = static_cast<const char*>(t.stored) +
                      (block + std::max(kBlocks, kPrefetchBlocks)) * t.head_dim * t.stored_stride;
  Vec sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = hn::Zero(d);
  for (std::int64_t i = 0; i < t.head_dim; ++i) {
    Vec k[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const float* block_keys = keys + (v / kBlockVectors) * t.head_dim * kKeyBlock;
      k[v] = hn::LoadU(d, block_keys + i * kKeyBlock + (v % kBlockVectors) * kLanes);
    }
    if (t.stored != nullptr)
      for (int b = 0; b < kBlocks; ++b, ahead += t.stored_stride)
        hwy::Prefetch(ahead);
    for (int r = 0; r < kRows; ++r) {
      const Vec x = hn::Set(d, q[r * t.q_stride + i]);
      for (int v = 0; v < kVectors; ++v)
        sum[r][v] = hn::MulAdd(x, k[v], sum[r][v]);
    }
  }
  const Vec scale = hn::Set(d, t.scale);
  for (int r = 0; r < kRows; ++r) {
    float* scores = t.scores + (row + r) * t.score_stride + block * kKeyBlock;
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = hn::Mul(sum[r][v], scale);
      hn::StoreU(sum[r][v], d, scores + v * kLanes);
    }
    if constexpr (kMarks) {
      const Vec theta = hn::Set(d, t.theta[row + r]);
      for (int b = 0; b < kBlocks; ++b) {
        std::uint32_t bits = 0;
        for (int v = 0; v < kBlockVectors; ++v)
          bits |= MaskBits(hn::Gt(sum[r][b * kBlockVectors + v], theta)) << (v * kLanes);
        t.marks[(row + r) * t.mark_stride + block + b] = static_cast<std::uint16_t>(bits);
      }
    }
  }
}

// `panels` times kRows rows, from `row` on; keys stay in the first-level cache while all rows pass by.
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

void ScoreTileOf(const ScoreTile& t) {
  if (t.theta != nullptr) return ScoreAll<true>(t);
  ScoreAll<false>(t);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(ScoreTileOf);

void score_tile(const ScoreTile& tile) {
  HWY_DYNAMIC_DISPATCH(ScoreTileOf)(tile);
}

}  // namespace toptheta
#endif  // HWY_ONCE
