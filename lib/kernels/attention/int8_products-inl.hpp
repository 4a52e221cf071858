// Compares products of query codes and key codes with bounds; included in kernels/attention/int8_bounds.cpp
// once per instruction set. AVX2 has an instruction for products of bytes; elsewhere the compiler vectorises
// 16-bit integers. The arithmetic is exact, so all instruction sets give the same marks.
#if defined(TOPTHETA_KERNELS_CODE_PRODUCTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_CODE_PRODUCTS_INL_HPP
#undef TOPTHETA_KERNELS_CODE_PRODUCTS_INL_HPP
#else
#define TOPTHETA_KERNELS_CODE_PRODUCTS_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/attention/int8_tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

inline constexpr int kCodeRows =
    6;  // 12 sums, 2 vectors of keys, a quad of the query and a product take 16 registers

// Sums over the quads [first, last) of a block. Each half of a 32-bit lane holds the sum of two dimensions.
template <int kRows>
HWY_INLINE void CodeSums(const CodeTile& t, const std::uint8_t* keys, std::int64_t row, int half,
                         std::int64_t first, std::int64_t last, __m256i (&sum)[kRows][2]) {
  for (int r = 0; r < kRows; ++r) {
    // The bytes of keys are 128 too large. That is subtracted, modulo 2^16, from one of the two sums of each
    // key.
    const std::int32_t offset = t.offsets[2 * (row + r) + half];
    sum[r][0] = _mm256_set1_epi32(-offset & 0xFFFF);
    sum[r][1] = sum[r][0];
  }
  const std::int8_t* const q = t.queries + row * t.head_dim;
  for (std::int64_t i = first; i < last; ++i) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys + i * 64));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys + i * 64 + 32));
    for (int r = 0; r < kRows; ++r) {
      std::int32_t quad;
      std::memcpy(&quad, q + r * t.head_dim + 4 * i, sizeof quad);
      const __m256i x = _mm256_set1_epi32(quad);
      sum[r][0] = _mm256_add_epi16(sum[r][0], _mm256_maddubs_epi16(low, x));
      sum[r][1] = _mm256_add_epi16(sum[r][1], _mm256_maddubs_epi16(high, x));
    }
  }
}

// Adds the two sums of each key. The order of the keys is 0-3, 8-11, 4-7, 12-15.
HWY_INLINE __m256i JoinPairs(const __m256i (&sum)[2]) {
  return _mm256_hadd_epi16(sum[0], sum[1]);
}

HWY_INLINE std::uint16_t BitsAbove(__m256i sums, std::int32_t bound) {
  const __m256i above = _mm256_cmpgt_epi16(sums, _mm256_set1_epi16(static_cast<std::int16_t>(bound)));
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(above), _mm256_extracti128_si256(above, 1));
  return static_cast<std::uint16_t>(_mm_movemask_epi8(_mm_shuffle_epi32(bytes, 0xD8)));
}

template <int kRows>
HWY_INLINE void MarkBlock(const CodeTile& t, std::int64_t row, std::int64_t block) {
  const std::uint8_t* const keys = t.keys + block * kKeyBlock * t.head_dim;
  const std::int64_t quads = t.head_dim / 4;
  __m256i sum[kRows][2];
  CodeSums<kRows>(t, keys, row, 0, 0, t.half, sum);
  if (t.half == quads) {
    for (int r = 0; r < kRows; ++r)
      store_marks(BitsAbove(JoinPairs(sum[r]), t.bounds[(row + r) * t.bound_stride + block]),
                  t.marks.at(row + r, block));
    return;
  }
  __m256i joined[kRows];
  for (int r = 0; r < kRows; ++r)
    joined[r] = JoinPairs(sum[r]);
  CodeSums<kRows>(t, keys, row, 1, t.half, quads, sum);
  // The sum saturates, which the bounds allow for: the largest value is above every bound, and the smallest
  // is raised by one.
  for (int r = 0; r < kRows; ++r) {
    const __m256i both =
        _mm256_max_epi16(_mm256_adds_epi16(joined[r], JoinPairs(sum[r])), _mm256_set1_epi16(-32767));
    store_marks(BitsAbove(both, t.bounds[(row + r) * t.bound_stride + block]), t.marks.at(row + r, block));
  }
}

template <int kRows>
HWY_NOINLINE void MarkPanels(const CodeTile& t, std::int64_t row, std::int64_t panels) {
  for (std::int64_t block = 0; block < t.blocks; ++block)
    for (std::int64_t p = 0; p < panels; ++p)
      MarkBlock<kRows>(t, row + p * kRows, block);
}

template <int kRows>
HWY_INLINE void MarkRest(const CodeTile& t, std::int64_t row) {
  if (t.rows - row == kRows) return MarkPanels<kRows>(t, row, 1);
  if constexpr (kRows > 1) MarkRest<kRows - 1>(t, row);
}

HWY_INLINE void MarkTile(const CodeTile& t) {
  const std::int64_t panels = t.rows / kCodeRows;
  MarkPanels<kCodeRows>(t, 0, panels);
  if (t.rows % kCodeRows != 0) MarkRest<kCodeRows - 1>(t, panels * kCodeRows);
}

#else

// The sums of one row and one block over the quads [first, last), modulo 2^16.
HWY_INLINE void CodeSums(const std::uint8_t* keys, const std::int8_t* q, std::int64_t first,
                         std::int64_t last, std::int32_t offset, std::int16_t* sums) {
  std::uint16_t lanes[kKeyBlock * 4] = {};
  for (std::int64_t i = first; i < last; ++i) {
    std::uint16_t x[kKeyBlock * 4];
    for (std::int64_t l = 0; l < kKeyBlock * 4; ++l)
      x[l] = static_cast<std::uint16_t>(std::int16_t{q[4 * i + l % 4]});
    for (std::int64_t l = 0; l < kKeyBlock * 4; ++l)
      lanes[l] =
          static_cast<std::uint16_t>(lanes[l] + static_cast<std::uint32_t>(keys[i * kKeyBlock * 4 + l]) *
                                                    static_cast<std::uint32_t>(x[l]));
  }
  for (std::int64_t g = 0; g < kKeyBlock; ++g)
    sums[g] = static_cast<std::int16_t>(static_cast<std::uint16_t>(
        lanes[4 * g] + lanes[4 * g + 1] + lanes[4 * g + 2] + lanes[4 * g + 3] - offset));
}

HWY_INLINE void MarkTile(const CodeTile& t) {
  const std::int64_t quads = t.head_dim / 4;
  for (std::int64_t block = 0; block < t.blocks; ++block)
    for (std::int64_t r = 0; r < t.rows; ++r) {
      const std::uint8_t* const keys = t.keys + block * kKeyBlock * t.head_dim;
      const std::int8_t* const q = t.queries + r * t.head_dim;
      std::int16_t sums[2][kKeyBlock] = {};
      CodeSums(keys, q, 0, t.half, t.offsets[2 * r], sums[0]);
      if (t.half < quads) CodeSums(keys, q, t.half, quads, t.offsets[2 * r + 1], sums[1]);
      std::uint32_t bits = 0;
      for (std::int64_t g = 0; g < kKeyBlock; ++g) {
        const int sum = std::clamp(sums[0][g] + sums[1][g], -32767, 32767);
        bits |= (sum > t.bounds[r * t.bound_stride + block] ? 1U : 0U) << g;
      }
      store_marks(static_cast<std::uint16_t>(bits), t.marks.at(r, block));
    }
}

#endif

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
