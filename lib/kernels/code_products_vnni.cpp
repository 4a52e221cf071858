#include "kernels/code_products_vnni.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace toptheta {

#if defined(__x86_64__)

// The instruction set is asked for function by function, not by a flag for the file: what the file includes
// must stay fit for every processor, for the linker may pick its copies.
#define TT_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

namespace {

// A block's quad of dimensions is a vector: a lane for each key.
template <int kRows>
TT_VNNI void mark_block(const CodeTile& t, std::int64_t row, std::int64_t block) {
  const std::uint8_t* const keys = t.keys + block * kKeyBlock * t.head_dim;
  const std::int8_t* const q = t.queries + row * t.head_dim;
  const std::int64_t quads = t.head_dim / 4;
  __m512i sum[kRows];
  for (int r = 0; r < kRows; ++r)
    sum[r] = _mm512_set1_epi32(-(t.offsets[2 * (row + r)] + t.offsets[2 * (row + r) + 1]));
  for (std::int64_t i = 0; i < quads; ++i) {
    const __m512i k = _mm512_loadu_si512(keys + i * 64);
    for (int r = 0; r < kRows; ++r) {
      std::int32_t quad;
      std::memcpy(&quad, q + r * t.head_dim + 4 * i, sizeof quad);
      sum[r] = _mm512_dpbusd_epi32(sum[r], k, _mm512_set1_epi32(quad));
    }
  }
  for (int r = 0; r < kRows; ++r) {
    // The lowest bound lets everything pass; sums of 32 bits may be lower still.
    const std::int16_t bound = t.bounds[(row + r) * t.bound_stride + block];
    const std::int32_t wide = bound == std::numeric_limits<std::int16_t>::min()
                                  ? std::numeric_limits<std::int32_t>::min()
                                  : std::int32_t{bound};
    t.marks[(row + r) * t.mark_stride + block] =
        static_cast<std::uint16_t>(_mm512_cmpgt_epi32_mask(sum[r], _mm512_set1_epi32(wide)));
  }
}

constexpr int kRows = 8;  // sums that hide the latency of a product

template <int kRest>
TT_VNNI void mark_rest(const CodeTile& t, std::int64_t row, std::int64_t block) {
  if (t.rows - row == kRest) return mark_block<kRest>(t, row, block);
  if constexpr (kRest > 1) mark_rest<kRest - 1>(t, row, block);
}

}  // namespace

TT_VNNI void mark_tile_vnni(const CodeTile& t) {
  for (std::int64_t block = 0; block < t.blocks; ++block) {
    std::int64_t row = 0;
    for (; row + kRows <= t.rows; row += kRows)
      mark_block<kRows>(t, row, block);
    if (row < t.rows) mark_rest<kRows - 1>(t, row, block);
  }
}

bool vnni_serves() {
  static const bool serves = __builtin_cpu_supports("avx512f") != 0 &&
                             __builtin_cpu_supports("avx512bw") != 0 &&
                             __builtin_cpu_supports("avx512vnni") != 0;
  return serves;
}

#undef TT_VNNI

#else

bool vnni_serves() {
  return false;
}

void mark_tile_vnni(const CodeTile&) {
  std::abort();
}

#endif

}  // namespace toptheta
