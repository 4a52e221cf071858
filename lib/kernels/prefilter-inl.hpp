// The exact prefilters: which keys of a tile can be above some row's threshold at all (docs/method.md,
// "Skipping before reading"), per instruction set; included inside a kernel file.
#if defined(TOPTHETA_KERNELS_PREFILTER_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_PREFILTER_INL_HPP
#undef TOPTHETA_KERNELS_PREFILTER_INL_HPP
#else
#define TOPTHETA_KERNELS_PREFILTER_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/attention_tiles.hpp"
#include "kernels/score_tile-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr std::int64_t kByteRows = 16;  // more rows have too many candidates between them

HWY_INLINE float AbsoluteSum(const float* q, std::int64_t head_dim) {
  float sum = 0;
  for (std::int64_t i = 0; i < head_dim; ++i)
    sum += std::fabs(q[i]);
  return sum;
}

// Marks the tile's keys whose score may be above the threshold of some row. For key = step * (byte + e) with
// |e| <= 1/2 the score is at most scale * step * (q . byte + |q|_1 / 2). Both dot products are chains of
// head_dim roundings of values up to 127 |q|_1; the slack covers them several times.
HWY_INLINE void MarkCandidates(const AttentionTile& t, TileScratch& scratch, std::uint64_t* candidates) {
  float slack[kByteRows];
  const float rounding = 127.0F * static_cast<float>(2 * t.head_dim + 32) * 0x1p-24F;
  for (std::int64_t r = 0; r < t.rows; ++r)
    slack[r] = AbsoluteSum(t.q + r * t.q_stride, t.head_dim) * (0.5001F + rounding);
  std::uint64_t marks[kByteRows * kTileKeys / 64] = {};
  ScoreTile<std::int8_t> score{t.q,
                               t.q_stride,
                               t.rows,
                               t.bytes->keys,
                               t.head_dim,
                               (t.num_keys + kKeyBlock - 1) / kKeyBlock,
                               t.scale,
                               scratch.scores,
                               TileScratch::kStride,
                               t.theta,
                               reinterpret_cast<std::uint16_t*>(marks),
                               kTileKeys / kKeyBlock,
                               t.from_memory,
                               t.bytes->steps,
                               slack};
  ScoreAll<true>(score);
  std::fill(candidates, candidates + kTileKeys / 64, std::uint64_t{0});
  for (std::int64_t r = 0; r < t.rows; ++r)
    for (std::int64_t w = 0; w < kTileKeys / 64; ++w)
      candidates[w] |= marks[r * kTileKeys / 64 + w];
}

// Rows of keys into a packed block of kKeyBlock; positions past `count` repeat the last.
HWY_INLINE void PackBlock(const float* rows, const std::int32_t* positions, std::int64_t count,
                          std::int64_t head_dim, float* packed) {
#if HWY_TARGET == HWY_SCALAR
  for (std::int64_t g = 0; g < kKeyBlock; ++g)
    for (std::int64_t i = 0; i < head_dim; ++i)
      packed[i * kKeyBlock + g] = rows[positions[std::min(g, count - 1)] * head_dim + i];
#else
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<double, decltype(d)> dd;
  for (std::int64_t g = 0; g < kKeyBlock; g += 4) {
    const float* from[4];
    for (std::int64_t u = 0; u < 4; ++u)
      from[u] = rows + std::int64_t{positions[std::min(g + u, count - 1)]} * head_dim;
    for (std::int64_t i = 0; i < head_dim; i += 4) {  // 4 keys x 4 dimensions, transposed
      const auto a = hn::LoadU(d, from[0] + i);
      const auto b = hn::LoadU(d, from[1] + i);
      const auto c = hn::LoadU(d, from[2] + i);
      const auto e = hn::LoadU(d, from[3] + i);
      const auto ab_low = hn::BitCast(dd, hn::InterleaveLower(d, a, b));  // a0 b0 a1 b1
      const auto ce_low = hn::BitCast(dd, hn::InterleaveLower(d, c, e));
      const auto ab_high = hn::BitCast(dd, hn::InterleaveUpper(d, a, b));  // a2 b2 a3 b3
      const auto ce_high = hn::BitCast(dd, hn::InterleaveUpper(d, c, e));
      float* to = packed + i * kKeyBlock + g;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dd, ab_low, ce_low)), d, to);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dd, ab_low, ce_low)), d, to + kKeyBlock);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(dd, ab_high, ce_high)), d, to + 2 * kKeyBlock);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(dd, ab_high, ce_high)), d, to + 3 * kKeyBlock);
    }
  }
#endif
}

// Bit p is set where page p may hold a key above the threshold of some row: the largest score that values
// between the page's bounds allow, q+ . largest + q- . smallest, with slack for the rounding of it and of the
// scores.
HWY_INLINE std::uint32_t LivePages(const AttentionTile& t, TileScratch& scratch) {
  const auto size = static_cast<std::size_t>(t.rows * t.head_dim);
  if (scratch.parts.size() < 2 * size) scratch.parts.resize(2 * size);
  float* const positive = scratch.parts.data();
  float* const negative = positive + size;
  alignas(64) float upper[2][kTileRows * kKeyBlock];
  for (std::int64_t r = 0; r < t.rows; ++r)
    for (std::int64_t i = 0; i < t.head_dim; ++i) {
      const float x = t.q[r * t.q_stride + i];
      positive[r * t.head_dim + i] = std::max(x, 0.0F);
      negative[r * t.head_dim + i] = std::min(x, 0.0F);
    }
  for (int part = 0; part < 2; ++part)
    ScoreAll<false>(ScoreTile<float>{part == 0 ? positive : negative, t.head_dim, t.rows,
                                     part == 0 ? t.bounds->largest : t.bounds->smallest, t.head_dim, 1,
                                     t.scale, upper[part], kKeyBlock, nullptr, nullptr, 0, false, nullptr,
                                     nullptr});
  std::uint32_t live = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    const float slack = AbsoluteSum(t.q + r * t.q_stride, t.head_dim) * t.bounds->magnitude * t.scale *
                        static_cast<float>(6 * t.head_dim + 32) * 0x1p-24F;
    for (std::int64_t p = 0; p < kKeyBlock; ++p)
      if (upper[0][r * kKeyBlock + p] + upper[1][r * kKeyBlock + p] + slack > t.theta[r]) live |= 1U << p;
  }
  return live;
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
