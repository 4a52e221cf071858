#include "kernels/attention/int8_products_vnni.hpp"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/vector/fetch.hpp"
#include "kernels/vector/vnni.hpp"

namespace toptheta {

#if defined(__x86_64__)

namespace {

constexpr int kMostRows = 8;
constexpr int kPair = 2;                   // blocks at a time; 16 sums hide the latency of a product
constexpr std::int64_t kBlocksAhead = 16;  // how far ahead keys are prefetched

// Keeps the compiler from using one pointer per row (vector/floats-inl.hpp).
TT_VNNI inline void forget(const std::int8_t*& pointer) {
  asm("" : "+r"(pointer));  // NOLINT(hicpp-no-assembler)
}

// A vector holds a quad of dimensions of a block: each lane belongs to one key. Several blocks share the
// quads of queries.
template <int kRows, int kBlocks>
TT_VNNI void mark_blocks(const CodeTile& t, std::int64_t row, std::int64_t block) {
  constexpr int kPointers = (kRows + 2) / 3;  // a row's address is a pointer and 0, 1 or 2 strides
  const std::int64_t head_dim = t.head_dim;
  const std::int64_t block_size = kKeyBlock * head_dim;
  const std::uint8_t* keys = t.keys + block * block_size;
  const std::uint8_t* const end = keys + block_size;
  const std::int8_t* q[kPointers];
  for (std::int64_t p = 0; p < kPointers; ++p)
    q[p] = t.queries + (row + 3 * p) * head_dim;
  __m512i sum[kRows][kBlocks];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b)
      sum[r][b] = _mm512_set1_epi32(-(t.offsets[2 * (row + r)] + t.offsets[2 * (row + r) + 1]));
  for (; keys != end; keys += 64) {
    __m512i k[kBlocks];
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b) {
      k[b] = _mm512_loadu_si512(keys + b * block_size);
      fetch_line(keys + (b + kBlocksAhead) * block_size);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      std::int32_t quad;
      std::memcpy(&quad, q[r / 3] + (r % 3) * head_dim, sizeof quad);
      const __m512i x = _mm512_set1_epi32(quad);
#pragma GCC unroll 16
      for (int b = 0; b < kBlocks; ++b)
        sum[r][b] = _mm512_dpbusd_epi32(sum[r][b], k[b], x);
    }
#pragma GCC unroll 16
    for (int p = 0; p < kPointers; ++p) {
      q[p] += 4;
      forget(q[p]);
    }
  }
  const std::int32_t* bounds = t.bounds + row * t.bound_stride + block;
  std::byte* marks = t.marks.at(row, block);
  const std::int64_t bound_stride = t.bound_stride;
  const std::int64_t mark_stride = t.marks.row_blocks * kMarkBytes;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r, bounds += bound_stride, marks += mark_stride)
#pragma GCC unroll 16
    for (int b = 0; b < kBlocks; ++b)
      store_marks(_mm512_cmpgt_epi32_mask(sum[r][b], _mm512_set1_epi32(bounds[b])), marks + b * kMarkBytes);
}

// One or two blocks: kSome rows at a time, and then the rest.
template <int kSome>
TT_VNNI void mark_rows(const CodeTile& t, std::int64_t row, std::int64_t block, std::int64_t rows) {
  for (; rows >= kSome; rows -= kSome, row += kSome) {
    if (block + kPair <= t.blocks)
      mark_blocks<kSome, kPair>(t, row, block);
    else
      mark_blocks<kSome, 1>(t, row, block);
  }
  if constexpr (kSome > 1) {
    if (rows > 0) mark_rows<kSome - 1>(t, row, block, rows);
  }
}

}  // namespace

TT_VNNI void mark_tile_vnni(const CodeTile& t) {
  for (std::int64_t block = 0; block < t.blocks; block += kPair)
    mark_rows<kMostRows>(t, 0, block, t.rows);
}

#else

void mark_tile_vnni(const CodeTile&) {
  std::abort();
}

#endif

}  // namespace toptheta
