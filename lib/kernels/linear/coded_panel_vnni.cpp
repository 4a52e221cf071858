#include "kernels/linear/coded_panel_vnni.hpp"

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

constexpr std::int64_t kVectorFloats = 16;  // floats of a vector
constexpr int kVectors = static_cast<int>(kPanelWidth / kVectorFloats);
constexpr __mmask16 kAll = 0xFFFF;     // without a mask, gcc 12 warns about its own header
constexpr std::int64_t kAhead = 4096;  // bytes: how far ahead of the computation to prefetch

template <int kQuads>
TT_VNNI void times_vector(const CodedPanel& panel, const CodedVector& x, float* y) {
  constexpr std::int64_t kGroup = std::int64_t{4} * kQuads;
  const std::int64_t groups = panel.in / kGroup;
  const std::byte* group = panel.data;
  const std::int8_t* codes_of_x = x.codes.data();
  __m512 total[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
    total[v] = _mm512_setzero_ps();
  for (std::int64_t g = 0; g < groups; ++g, group += coded_group_bytes(kGroup)) {
    const auto* const scales = reinterpret_cast<const float*>(group);
    const float* const offsets = scales + kPanelWidth;
    const std::byte* codes = group + 2 * kPanelWidth * sizeof(float);
    for (std::int64_t line = 0; line < coded_group_bytes(kGroup); line += 64)
      fetch_line(group + kAhead + line);
    __m512i dot[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      dot[v] = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (int q = 0; q < kQuads; ++q, codes_of_x += 4) {
      std::int32_t quad;
      std::memcpy(&quad, codes_of_x, sizeof quad);
      const __m512i four = _mm512_set1_epi32(quad);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v, codes += 64)
        dot[v] = _mm512_dpbusd_epi32(dot[v], _mm512_loadu_si512(codes), four);
    }
    const __m512 scale_of_x = _mm512_set1_ps(x.scales[static_cast<std::size_t>(g * kGroup / kCodeBlock)]);
    const __m512 sum_of_x = _mm512_set1_ps(x.sums[static_cast<std::size_t>(g)]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const __m512 offset = _mm512_mul_ps(_mm512_loadu_ps(offsets + kVectorFloats * v), sum_of_x);
      const __m512 sum = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(kAll, dot[v]),
                                         _mm512_loadu_ps(scales + kVectorFloats * v), offset);
      total[v] = _mm512_fmadd_ps(sum, scale_of_x, total[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v)
    _mm512_storeu_ps(y + kVectorFloats * v, total[v]);
}

}  // namespace

TT_VNNI void coded_panel_times_vector_vnni(const CodedPanel& panel, const CodedVector& x, float* y) {
  if (panel.group == 32) return times_vector<8>(panel, x, y);
  times_vector<4>(panel, x, y);
}

#else

void coded_panel_times_vector_vnni(const CodedPanel&, const CodedVector&, float*) {
  std::abort();
}

#endif

}  // namespace toptheta
