#include "kernels/attention/value_tile.hpp"

#include <algorithm>

#include "kernels/vector/fetch.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/value_tile.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include "kernels/vector/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_AVX3
inline constexpr int kMaxValueVectors = 4;
inline constexpr int kPanelRows = 4;
#else
inline constexpr int kMaxValueVectors = 8;
inline constexpr int kPanelRows = 6;
#endif

// Some V rows of the tile.
struct Step {
  const float* values;  // the first of these rows
  std::int64_t first;
  std::int64_t count;
};

// Sums rows row ... row + kRows - 1, kVectors vectors of head_dim from dimension i on.
template <int kRows, int kVectors, class D>
HWY_INLINE void SumDense(D d, const ValueTile& t, const Step& step, std::int64_t row, std::int64_t i) {
  constexpr auto kWidth = static_cast<std::int64_t>(hn::MaxLanes(D()));
  hn::Vec<D> sum[kRows][kVectors];
  float* const out = t.sums + row * t.head_dim + i;
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVectors; ++v)
      sum[r][v] = step.first == 0 ? hn::Zero(d) : hn::LoadU(d, out + r * t.head_dim + v * kWidth);
  const float* weights = t.weights + row * t.weight_stride + step.first;
  const float* values = step.values + i;
  for (std::int64_t j = 0; j < step.count; ++j) {
    hn::Vec<D> x[kVectors];
    for (int v = 0; v < kVectors; ++v)
      x[v] = hn::LoadU(d, values + j * t.head_dim + v * kWidth);
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
HWY_INLINE void SumSlices(D d, const ValueTile& t, const Step& step, std::int64_t row, std::int64_t panels,
                          std::int64_t& i) {
  constexpr auto kWidth = static_cast<std::int64_t>(hn::MaxLanes(D())) * kVectors;
  for (; i + kWidth <= t.head_dim; i += kWidth)
    for (std::int64_t p = 0; p < panels; ++p)
      SumDense<kRows, kVectors>(d, t, step, row + p * kRows, i);
}

// `panels` times kRows rows, from `row` on.
template <int kRows>
HWY_NOINLINE void SumPanels(const ValueTile& t, const Step& step, std::int64_t row, std::int64_t panels) {
  constexpr int kFit = kSumRegisters / kRows;
  constexpr int kVectors = std::min(kMaxValueVectors, kFit >= 8 ? 8 : kFit >= 4 ? 4 : kFit >= 2 ? 2 : 1);
  std::int64_t i = 0;
  SumSlices<kRows, kVectors>(Floats(), t, step, row, panels, i);
  if constexpr (kVectors > 1) SumSlices<kRows, 1>(Floats(), t, step, row, panels, i);
  SumSlices<kRows, 1>(hn::CappedTag<float, 4>(), t, step, row, panels, i);
}

template <int kRows>
HWY_INLINE void SumPanelsOf(std::int64_t rows, const ValueTile& t, const Step& step, std::int64_t row,
                            std::int64_t panels) {
  if (panels == 0) return;
  if (rows == kRows) return SumPanels<kRows>(t, step, row, panels);
  if constexpr (kRows > 1) SumPanelsOf<kRows - 1>(rows, t, step, row, panels);
}

// Prefetches V rows from memory, line by line in the order in which they lie there, because memory is read
// fastest in long runs. The slices of SumPanels would request only every fourth line at a time.
HWY_INLINE void FetchRows(const ValueTile& t, std::int64_t first, std::int64_t count) {
  const std::int64_t row = row_bytes(t.narrow != nullptr ? t.narrow->type : KvType::f32, t.head_dim);
  const char* const stored =
      t.narrow != nullptr ? t.narrow->row(0, t.head_dim) : reinterpret_cast<const char*>(t.values);
  for (std::int64_t at = first * row; at < (first + count) * row; at += 64)
    fetch_line(stored + at);
}

void SumDenseValues(const ValueTile& t) {
  constexpr std::int64_t kStepsAhead = 2;
  const std::int64_t panels = (t.rows + kPanelRows - 1) / kPanelRows;
  const std::int64_t few = t.rows / panels;
  const std::int64_t fuller = t.rows % panels;  // panels with one row more
  // A single row reads V from end to end anyway. A few rows finish early with what was prefetched for them,
  // so their steps are shorter.
  const bool fetch = t.prefetch && t.rows > 1;
  const std::int64_t step_rows = fetch && panels == 1 ? kValueStep / 4 : kValueStep;
  for (std::int64_t first = 0; first < t.keys; first += step_rows) {
    const std::int64_t count = std::min(step_rows, t.keys - first);
    Step step{t.values + first * t.head_dim, first, count};
    if (t.narrow != nullptr) {
      widen_rows(*t.narrow, t.head_dim, first, count, t.narrow->wide);
      step.values = t.narrow->wide;
    }
    if (fetch) FetchRows(t, first + kStepsAhead * step_rows, step_rows);
    SumPanelsOf<kPanelRows>(few + 1, t, step, 0, fuller);
    SumPanelsOf<kPanelRows>(few, t, step, fuller * (few + 1), panels - fuller);
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
