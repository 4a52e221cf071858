// Weighted sums of listed V rows, per instruction set; included inside a kernel file. A sum is one chain of
// multiply-adds over ascending positions, as in value_tile.hpp.
#if defined(TOPTHETA_KERNELS_VALUE_LIST_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef TOPTHETA_KERNELS_VALUE_LIST_INL_HPP
#undef TOPTHETA_KERNELS_VALUE_LIST_INL_HPP
#else
#define TOPTHETA_KERNELS_VALUE_LIST_INL_HPP
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "kernels/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

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

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
