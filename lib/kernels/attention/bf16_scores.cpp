#include "kernels/attention/bf16_scores.hpp"

#include <hwy/targets.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/vector/fetch.hpp"

namespace toptheta {

#if defined(__x86_64__)

// Enabled for single functions, as in vnni.hpp.
#define TT_BF16 __attribute__((target("avx512f,avx512bf16")))

namespace {

constexpr int kMostRows = 8;
constexpr int kSums = 16;  // of 32 registers
constexpr int kPrefetchBlocks =
    16;  // how far ahead keys are prefetched; twice as far as for floats, which are twice as long

struct Pairs {
  const std::uint16_t* q;
  const std::uint16_t* keys;
};

// A vector holds a pair of dimensions of a block: each lane belongs to one key.
template <int kRows, int kBlocks>
TT_BF16 void score_block(const ScoreTile& t, const Pairs& in, std::int64_t row, std::int64_t block) {
  const std::int64_t block_size = kKeyBlock * t.head_dim;
  const std::uint16_t* const q = in.q + row * t.q_stride;
  const std::uint16_t* const keys = in.keys + block * block_size;
  __m512 sum[kRows][kBlocks];
  for (int r = 0; r < kRows; ++r)
    for (int b = 0; b < kBlocks; ++b)
      sum[r][b] = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < t.head_dim; i += 2) {
    __m512i k[kBlocks];
    for (int b = 0; b < kBlocks; ++b) {
      const std::uint16_t* const from = keys + b * block_size + i * kKeyBlock;
      k[b] = _mm512_loadu_si512(from);
      if (t.stored != nullptr) fetch_line(from + kPrefetchBlocks * block_size);
    }
    for (int r = 0; r < kRows; ++r) {
      std::int32_t pair;
      std::memcpy(&pair, q + r * t.q_stride + i, sizeof pair);
      const __m512i x = _mm512_set1_epi32(pair);
      for (int b = 0; b < kBlocks; ++b)
        sum[r][b] =
            _mm512_dpbf16_ps(sum[r][b], __builtin_bit_cast(__m512bh, x), __builtin_bit_cast(__m512bh, k[b]));
    }
  }
  const __m512 scale = _mm512_set1_ps(t.scale);
  for (int r = 0; r < kRows; ++r)
    for (int b = 0; b < kBlocks; ++b) {
      const __m512 scores = _mm512_mul_ps(sum[r][b], scale);
      _mm512_storeu_ps(t.scores + (row + r) * t.score_stride + (block + b) * kKeyBlock, scores);
      if (t.theta != nullptr)
        store_marks(_mm512_cmp_ps_mask(scores, _mm512_set1_ps(t.theta[row + r]), _CMP_GT_OQ),
                    t.marks.at(row + r, block + b));
    }
}

// kRows rows from `row` on, blocks first ... last - 1.
template <int kRows>
TT_BF16 void score_rows_of(const ScoreTile& t, const Pairs& in, std::int64_t row, std::int64_t first,
                           std::int64_t last) {
  constexpr int kBlocks = std::min(4, kSums / kRows);
  std::int64_t block = first;
  for (; block + kBlocks <= last; block += kBlocks)
    score_block<kRows, kBlocks>(t, in, row, block);
  for (; block < last; ++block)
    score_block<kRows, 1>(t, in, row, block);
}

template <int kRest>
TT_BF16 void score_rest(const ScoreTile& t, const Pairs& in, std::int64_t row, std::int64_t first,
                        std::int64_t last) {
  if (t.rows - row == kRest) return score_rows_of<kRest>(t, in, row, first, last);
  if constexpr (kRest > 1) score_rest<kRest - 1>(t, in, row, first, last);
}

}  // namespace

TT_BF16 void score_tile_bf16(const ScoreTile& t, const std::uint16_t* q, const std::uint16_t* keys) {
  constexpr std::int64_t kStep =
      4;  // blocks that stay in the first-level cache while all rows are multiplied with them
  const Pairs in{q, keys};
  for (std::int64_t first = 0; first < t.blocks; first += kStep) {
    const std::int64_t last = std::min(first + kStep, t.blocks);
    std::int64_t row = 0;
    for (; row + kMostRows <= t.rows; row += kMostRows)
      score_rows_of<kMostRows>(t, in, row, first, last);
    if (row < t.rows) score_rest<kMostRows - 1>(t, in, row, first, last);
  }
}

bool bf16_scores_serve() {
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bf16") != 0;
  return has && (hwy::SupportedTargets() & HWY_AVX3) != 0;
}

#undef TT_BF16

#else

bool bf16_scores_serve() {
  return false;
}

void score_tile_bf16(const ScoreTile&, const std::uint16_t*, const std::uint16_t*) {
  std::abort();
}

#endif

}  // namespace toptheta
