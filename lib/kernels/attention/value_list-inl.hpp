// Weighted sums of listed V rows; included in kernel files once per instruction set. A sum is one chain of
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

#include "kernels/vector/fetch.hpp"
#include "kernels/vector/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

// How a tile's sums are joined to those of the tiles before: out = out * keep + sum * add.
struct Join {
  float keep;
  float add;
};

template <class D, class V>
HWY_INLINE void JoinInto(D d, Join join, V sum, float* out) {
  hn::StoreU(hn::MulAdd(sum, hn::Set(d, join.add), hn::Mul(hn::LoadU(d, out), hn::Set(d, join.keep))), d,
             out);
}

// Some V rows and their weights. The list may continue after the rows to be summed; those are prefetched.
struct ListedValues {
  const float* weights;
  const std::int32_t* indices;
  std::int64_t count;
  std::int64_t listed;  // at least count
  const float* values;
  std::int64_t head_dim;     // a multiple of 4, not 0
  bool from_memory = false;  // otherwise from a cache
};

inline constexpr std::int64_t kFarAhead = 16;  // V rows to prefetch from memory

// Prefetches the first rows of a list, before there is anything to sum.
HWY_INLINE void FetchFirst(const ListedValues& l) {
  for (std::int64_t j = 0; j < std::min(kFarAhead, l.listed); ++j)
    for (std::int64_t i = 0; i < l.head_dim; i += 16)
      fetch_line(l.values + std::int64_t{l.indices[j]} * l.head_dim + i);
}

template <int kVectors, class D>
HWY_INLINE void FetchListed(const ListedValues& l, std::int64_t j, std::int64_t i) {
  constexpr std::int64_t kAhead = 8;
  constexpr std::int64_t kWidth = kVectors * static_cast<std::int64_t>(hn::MaxLanes(D()));
  const std::int64_t later = j + (l.from_memory ? kFarAhead : kAhead);
  if (later >= l.listed) return;
  const float* const row = l.values + std::int64_t{l.indices[later]} * l.head_dim + i;
  for (std::int64_t v = 0; v < kWidth; v += 16) {
    if (l.from_memory)
      fetch_line(row + v);
    else
      hwy::Prefetch(row + v);
  }
}

// Sums kVectors vectors of head_dim, from dimension i on.
template <int kVectors, class D, class JoinFor>
HWY_INLINE void SumListed(D d, const ListedValues& l, std::int64_t i, JoinFor join_for, float* out) {
  constexpr auto kWidth = static_cast<std::int64_t>(hn::MaxLanes(D()));
  hn::Vec<D> sum[kVectors];
  for (int v = 0; v < kVectors; ++v)
    sum[v] = hn::Zero(d);
  float total = 0;
  for (std::int64_t j = 0; j < l.count; ++j) {
    FetchListed<kVectors, D>(l, j, i);
    const float* const row = l.values + std::int64_t{l.indices[j]} * l.head_dim + i;
    total += l.weights[j];
    const auto w = hn::Set(d, l.weights[j]);
    for (int v = 0; v < kVectors; ++v)
      sum[v] = hn::MulAdd(w, hn::LoadU(d, row + v * kWidth), sum[v]);
  }
  const Join join = join_for(total);
  for (int v = 0; v < kVectors; ++v)
    JoinInto(d, join, sum[v], out + i + v * kWidth);
}

// `join_for` is called with the sum of the weights, added up in order, and says how to join the result.
template <class JoinFor>
HWY_INLINE void SumListedValues(const ListedValues& l, JoinFor join_for, float* out) {
  const Floats d;
  const hn::CappedTag<float, 4> d4;
  std::int64_t i = 0;
  Join first{1, 1};
  const auto join = [&](float total) HWY_ATTR {
    if (i == 0) first = join_for(total);
    return first;
  };
  for (; i + 8 * kLanes <= l.head_dim; i += 8 * kLanes)
    SumListed<8>(d, l, i, join, out);
  for (; i + 4 * kLanes <= l.head_dim; i += 4 * kLanes)
    SumListed<4>(d, l, i, join, out);
  for (; i + kLanes <= l.head_dim; i += kLanes)
    SumListed<1>(d, l, i, join, out);
  for (; i < l.head_dim; i += static_cast<std::int64_t>(hn::Lanes(d4)))
    SumListed<1>(d4, l, i, join, out);
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
