// Scores of a tile of queries against packed keys, with the marks of those above a threshold, per instruction
// set; included inside a kernel file.
#if defined(TOPTHETA_KERNELS_SCORE_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_SCORE_TILE_INL_HPP
#undef TOPTHETA_KERNELS_SCORE_TILE_INL_HPP
#else
#define TOPTHETA_KERNELS_SCORE_TILE_INL_HPP
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/attention_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most one key block per vector, so that a block is a whole number of vectors on every instruction set.
using Floats = hn::CappedTag<float, kKeyBlock>;
using Vec = hn::Vec<Floats>;
inline constexpr int kLanes = static_cast<int>(HWY_MIN(HWY_LANES(float), kKeyBlock));
inline constexpr int kBlockVectors = static_cast<int>(kKeyBlock) / kLanes;

// The register block: rows x key blocks whose sums fit the registers beside the operands.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kSumRegisters = 16;  // of 32; 8 x 32 keys
inline constexpr int kScoreRows = 8;
#elif HWY_TARGET <= HWY_AVX2
inline constexpr int kSumRegisters = 12;  // of 16; 6 x 16 keys
inline constexpr int kScoreRows = 6;
#elif HWY_TARGET <= HWY_SSSE3
inline constexpr int kSumRegisters = 12;  // of 16; 3 x 16 keys
inline constexpr int kScoreRows = 3;
#else
inline constexpr int kSumRegisters = 24;  // of 32; 6 x 16 keys
inline constexpr int kScoreRows = 6;
#endif

inline constexpr int kPrefetchBlocks = 4;  // how far ahead keys are fetched from memory

// Key: float, or int8_t with a step per key.
template <class Key>
struct ScoreTile {
  const float* q;  // [rows], q_stride apart
  std::int64_t q_stride;
  std::int64_t rows;
  const Key* keys;  // [blocks][head_dim][kKeyBlock]
  std::int64_t head_dim;
  std::int64_t blocks;
  float scale;
  float* scores;  // [rows], score_stride apart
  std::int64_t score_stride;
  const float* theta;    // [rows]; only read where marks are asked for
  std::uint16_t* marks;  // [rows][mark_stride]: bit b of block j is set where score > theta
  std::int64_t mark_stride;
  bool prefetch;  // keys come from memory rather than from a cache
  // int8_t keys only: the score is (q . key + slack[row]) * steps[key] * scale.
  const float* steps = nullptr;  // [blocks][kKeyBlock]
  const float* slack = nullptr;  // [rows]
};

HWY_INLINE Vec LoadKeys(const float* keys) {
  return hn::LoadU(Floats(), keys);
}
HWY_INLINE Vec LoadKeys(const std::int8_t* keys) {
  const hn::Rebind<std::int8_t, Floats> d8;
  const hn::RebindToSigned<Floats> di;
  return hn::ConvertTo(Floats(), hn::PromoteTo(di, hn::LoadU(d8, keys)));
}

template <class M>
HWY_INLINE std::uint32_t MaskBits(M mask) {
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(Floats(), mask, bits);
  return kLanes > 8 ? static_cast<std::uint32_t>(bits[0] | (bits[1] << 8)) : std::uint32_t{bits[0]};
}

template <int kRows, int kBlocks, bool kMarks, class Key>
HWY_INLINE void ScoreRegisters(const ScoreTile<Key>& t, std::int64_t row, std::int64_t block) {
  const Floats d;
  constexpr int kVectors = kBlocks * kBlockVectors;
  const Key* keys = t.keys + block * kKeyBlock * t.head_dim;
  const float* q = t.q + row * t.q_stride;
  Vec sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = hn::Zero(d);
  for (std::int64_t i = 0; i < t.head_dim; ++i) {
    Vec k[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const Key* block_keys = keys + (v / kBlockVectors) * t.head_dim * kKeyBlock;
      k[v] = LoadKeys(block_keys + i * kKeyBlock + (v % kBlockVectors) * kLanes);
    }
    // A line holds 64 bytes: of int8_t keys, four dimensions.
    if (t.prefetch && (sizeof(Key) == 4 || i % 4 == 0))
      for (int b = 0; b < kBlocks; ++b)
        hwy::Prefetch(keys + ((kBlocks * kPrefetchBlocks + b) * t.head_dim + i) * kKeyBlock);
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
      if constexpr (std::is_same_v<Key, std::int8_t>) {
        const Vec step = hn::LoadU(d, t.steps + block * kKeyBlock + v * kLanes);
        sum[r][v] = hn::Mul(hn::Add(sum[r][v], hn::Set(d, t.slack[row + r])), step);
      }
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
template <int kRows, bool kMarks, class Key>
HWY_NOINLINE void ScorePanels(const ScoreTile<Key>& t, std::int64_t row, std::int64_t panels) {
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

template <int kRows, bool kMarks, class Key>
HWY_INLINE void ScorePanelsOf(std::int64_t rows, const ScoreTile<Key>& t, std::int64_t row,
                              std::int64_t panels) {
  if (panels == 0) return;
  if (rows == kRows) return ScorePanels<kRows, kMarks>(t, row, panels);
  if constexpr (kRows > 1) ScorePanelsOf<kRows - 1, kMarks>(rows, t, row, panels);
}

// All scores of the tile. Each is one chain of multiply-adds over head_dim, whatever the other rows and keys.
template <bool kMarks, class Key>
HWY_INLINE void ScoreAll(const ScoreTile<Key>& t) {
  if (t.rows == 0) return;
  const std::int64_t panels = (t.rows + kScoreRows - 1) / kScoreRows;
  const std::int64_t few = t.rows / panels;
  const std::int64_t fuller = t.rows % panels;  // panels with one row more
  ScorePanelsOf<kScoreRows, kMarks>(few + 1, t, 0, fuller);
  ScorePanelsOf<kScoreRows, kMarks>(few, t, fuller * (few + 1), panels - fuller);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
