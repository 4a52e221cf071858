// Weighted sums of V rows, dense over a tile and over lists of rows, per instruction set; included inside a
// kernel file. Either way a sum is one chain of multiply-adds over ascending positions, so that both agree to
// the bit where the other's extra weights are zero.
#if defined(TOPTHETA_KERNELS_VALUE_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_VALUE_TILE_INL_HPP
#undef TOPTHETA_KERNELS_VALUE_TILE_INL_HPP
#else
#define TOPTHETA_KERNELS_VALUE_TILE_INL_HPP
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out = out * keep + sum * add: how a tile's sums join those of the tiles before it.
struct Join {
  float keep;
  float add;
};

template <class D, class V>
HWY_INLINE void JoinInto(D d, Join join, V sum, float* out) {
  hn::StoreU(hn::MulAdd(sum, hn::Set(d, join.add), hn::Mul(hn::LoadU(d, out), hn::Set(d, join.keep))), d,
             out);
}

// ---- lists: one row, some V rows --------------------------------------------------------------------------

template <int kVectors, class D>
HWY_INLINE void SumListed(D d, const float* weights, const std::int32_t* indices, std::int64_t count,
                          const float* values, std::int64_t head_dim, Join join, float* out) {
  constexpr std::int64_t kAhead = 8;
  constexpr auto kWidth = static_cast<int>(hn::MaxLanes(D()));
  hn::Vec<D> sum[kVectors];
  for (int v = 0; v < kVectors; ++v)
    sum[v] = hn::Zero(d);
  for (std::int64_t j = 0; j < count; ++j) {
    const float* row = values + std::int64_t{indices[j]} * head_dim;
    if (j + kAhead < count) {
      const float* later = values + std::int64_t{indices[j + kAhead]} * head_dim;
      for (int v = 0; v < kVectors * kWidth; v += 16)
        hwy::Prefetch(later + v);
    }
    const auto w = hn::Set(d, weights[j]);
    for (int v = 0; v < kVectors; ++v)
      sum[v] = hn::MulAdd(w, hn::LoadU(d, row + v * kWidth), sum[v]);
  }
  for (int v = 0; v < kVectors; ++v)
    JoinInto(d, join, sum[v], out + v * kWidth);
}

// head_dim is a multiple of 4.
HWY_INLINE void SumListedValues(const float* weights, const std::int32_t* indices, std::int64_t count,
                                const float* values, std::int64_t head_dim, Join join, float* out) {
  const Floats d;
  const hn::CappedTag<float, 4> d4;
  std::int64_t i = 0;
  for (; i + 8 * kLanes <= head_dim; i += 8 * kLanes)
    SumListed<8>(d, weights, indices, count, values + i, head_dim, join, out + i);
  for (; i + 4 * kLanes <= head_dim; i += 4 * kLanes)
    SumListed<4>(d, weights, indices, count, values + i, head_dim, join, out + i);
  for (; i + kLanes <= head_dim; i += kLanes)
    SumListed<1>(d, weights, indices, count, values + i, head_dim, join, out + i);
  for (; i < head_dim; i += static_cast<std::int64_t>(hn::Lanes(d4)))
    SumListed<1>(d4, weights, indices, count, values + i, head_dim, join, out + i);
}

// ---- dense: all rows of the tile, all V rows --------------------------------------------------------------

inline constexpr std::int64_t kValueStep = 64;  // V rows that stay in the first-level cache
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kMaxValueVectors = 4;
#else
inline constexpr int kMaxValueVectors = 8;
#endif

struct ValueTile {
  const float* weights;  // [rows], weight_stride apart
  std::int64_t weight_stride;
  std::int64_t rows;
  const float* values;  // [keys][head_dim]
  std::int64_t head_dim;
  std::int64_t keys;
  float* sums;    // [rows][head_dim]
  bool prefetch;  // V comes from memory rather than from a cache
};

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

// sums = weights x values, overwriting. head_dim is a multiple of 4.
HWY_INLINE void SumDenseValues(const ValueTile& t) {
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

#endif
