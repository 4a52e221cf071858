#include "kernels/value_tile.hpp"

#include <algorithm>

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/value_tile.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/cache_control.h>

#include "kernels/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

inline constexpr std::int64_t kValueStep = 64;  // V rows that stay in the first-level cache
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kMaxValueVectors = 4;
#else
inline constexpr int kMaxValueVectors = 8;
#endif

// Rows row ... row + kRows - 1, kVectors vectors of head_dim from i on, V rows [first, last).
template <int kRows, int kVectors, class D>
HWY_INLINE void SumDense(D d, const ValueTile& t, std::int64_t row, std::int64_t first, std::int64_t last,
                         std::int64_t i) {
  constexpr auto kWidth = static_cast<int>(hn::MaxLanes(D()));
  hn::Vec<D> sum[kRows][kVectors];
  float* const out = t.sums + row * t.head_dim + i;
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = first == 0 ? hn::Zero(d) : hn::LoadU(d, out + r * t.head_dim + v * kWidth);
  const float* weights = t.weights + row * t.weight_stride;
  const float* values = t.values + i;
  const bool prefetch = t.prefetch && row == 0;
  for (std::int64_t j = first; j < last; ++j) {
    hn::Vec<D> x[kVectors];
    for (int v = 0; v < kVectors; ++v)
      x[v] = hn::LoadU(d, values + j * t.head_dim + v * kWidth);
    if (prefetch)
      for (int line = 0; line < kVectors * kWidth; line += 16)
        hwy::Prefetch(values + (j + kValueStep) * t.head_dim + line);
    for (int r = 0; r < kRows; ++r) {
      const auto w = hn::Set(d, weights[r * t.weight_stride + j]);
      for (int v = 0; v < kVectors; ++v)
        sum[r][v] = hn::MulAdd(w, x[v], sum[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      hn::StoreU(sum[r][v], d, out + r * t.head_dim + v * kWidth);
}

template <int kRows, int kVectors, class D>
HWY_INLINE void SumSlices(D d, const ValueTile& t, std::int64_t row, std::int64_t panels, std::int64_t first,
                          std::int64_t last, std::int64_t& i) {
  constexpr auto kWidth = static_cast<std::int64_t>(hn::MaxLanes(D())) * kVectors;
  for (; i + kWidth <= t.head_dim; i += kWidth)
    for (std::int64_t p = 0; p < panels; ++p)
      SumDense<kRows, kVectors>(d, t, row + p * kRows, first, last, i);
}

// `panels` times kRows rows, from `row` on.
template <int kRows>
HWY_NOINLINE void SumPanels(const ValueTile& t, std::int64_t row, std::int64_t panels, std::int64_t first,
                            std::int64_t last) {
  constexpr int kFit = kSumRegisters / kRows;
  constexpr int kVectors = std::min(kMaxValueVectors, kFit >= 8 ? 8 : kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1);
  std::int64_t i = 0;
  SumSlices<kRows, kVectors>(Floats(), t, row, panels, first, last, i);
  if constexpr (kVectors > 1) SumSlices<kRows, 1>(Floats(), t, row, panels, first, last, i);
  SumSlices<kRows, 1>(hn::CappedTag<float, 4>(), t, row, panels, first, last, i);
}

template <int kRows>
HWY_INLINE void SumPanelsOf(std::int64_t rows, const ValueTile& t, std::int64_t row, std::int64_t panels,
                            std::int64_t first, std::int64_t last) {
  if (panels == 0) return;
  if (rows == kRows) return SumPanels<kRows>(t, row, panels, first, last);
  if constexpr (kRows > 1) SumPanelsOf<kRows - 1>(rows, t, row, panels, first, last);
}

void SumDenseValues(const ValueTile& t) {
  constexpr int kRows = 6;
  const std::int64_t panels = (t.rows + kRows - 1) / kRows;
  const std::int64_t few = t.rows / panels;
  const std::int64_t fuller = t.rows % panels;  // panels with one row more
  for (std::int64_t first = 0; first < t.keys; first += kValueStep) {
    const std::int64_t last = std::min(t.keys, first + kValueStep);
    SumPanelsOf<kRows>(few + 1, t, 0, fuller, first, last);
    SumPanelsOf<kRows>(few, t, fuller * (few + 1), panels - fuller, first, last);
  }
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(SumDenseValues);

void sum_dense_values(const ValueTile& tile) {
  HWY_DYNAMIC_DISPATCH(SumDenseValues)(tile);
}

}  // namespace toptheta
#endif  // HWY_ONCE
