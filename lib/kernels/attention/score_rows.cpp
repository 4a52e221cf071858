#include "kernels/attention/score_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/attention/score_tile.hpp"

// Highway compiles this file once per instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/attention/score_rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

#include "kernels/vector/floats-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace toptheta::HWY_NAMESPACE {

float RowMax(std::span<const float> row) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto best = hn::Set(d, -std::numeric_limits<float>::infinity());
  std::size_t j = 0;
  for (; j + lanes <= row.size(); j += lanes)
    best = hn::Max(best, hn::LoadU(d, row.data() + j));
  float result = hn::GetLane(hn::MaxOfLanes(d, best));
  for (; j < row.size(); ++j)
    result = std::max(result, row[j]);
  return result;
}

std::int64_t CompactAbove(std::span<const float> row, float theta, std::int32_t* indices, float* values) {
  const Floats d;
  const Vec bound = hn::Set(d, theta);
  std::int64_t kept = 0;
  std::size_t j = 0;
  for (; j + 64 <= row.size(); j += 64) {
    std::uint64_t marks = 0;
    for (std::int64_t l = 0; l < 64; l += kLanes)
      marks |= std::uint64_t{MaskBits(hn::Gt(hn::LoadU(d, row.data() + j + l), bound))} << l;
    // Copies four at a time, whether or not there are so many, because a branch for each would be
    // mispredicted. Highway's CompressStore is a masked store, which takes 20 times as long on some
    // processors.
    const int count = std::popcount(marks);
    for (int done = 0; done < count; done += 4)
      for (int u = 0; u < 4; ++u) {
        indices[kept + done + u] = static_cast<std::int32_t>(j) + (std::countr_zero(marks) & 63);
        marks &= marks - 1;
      }
    for (int c = 0; c < count; ++c)
      values[kept + c] = row[static_cast<std::size_t>(indices[kept + c])];
    kept += count;
  }
  for (; j < row.size(); ++j) {
    if (!(row[j] > theta)) continue;
    indices[kept] = static_cast<std::int32_t>(j);
    values[kept++] = row[j];
  }
  return kept;
}

// e^(values - shift) for `count` values, written to `out` if it is not null; returns their sum in double.
HWY_INLINE double ExpShifted(const float* values, std::size_t count, float shift, float* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const auto minus = hn::Set(d, shift);
  double sum = 0;
  std::size_t j = 0;
  // A limited number of terms is added in float, and these sums in double, so that the error stays near that
  // of one rounding to float.
  constexpr std::size_t kFold = 64;
  while (j + lanes <= count) {
    auto partial = hn::Zero(d);
    for (std::size_t step = 0; step < kFold && j + lanes <= count; ++step, j += lanes) {
      const auto e = hn::Exp(d, hn::Sub(hn::LoadU(d, values + j), minus));
      partial = hn::Add(partial, e);
      if (out != nullptr) hn::StoreU(e, d, out + j);
    }
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, partial)));
  }
  if (j < count) {
    HWY_ALIGN float tail[kKeyBlock] = {};
    std::copy(values + j, values + count, tail);
    hn::Store(hn::Exp(d, hn::Sub(hn::Load(d, tail), minus)), d, tail);
    for (std::size_t i = 0; j < count; ++i, ++j) {
      sum += static_cast<double>(tail[i]);
      if (out != nullptr) out[j] = tail[i];
    }
  }
  return sum;
}

double ExpInPlace(std::span<float> values, float shift) {
  return ExpShifted(values.data(), values.size(), shift, values.data());
}

double ExpSum(std::span<const float> row, float shift) {
  return ExpShifted(row.data(), row.size(), shift, nullptr);
}

// kVectors vectors of a slice of head_dim stay in registers while all rows are added.
template <int kVectors, class RowAt>
HWY_INLINE void AddSlice(std::span<const float> weights, const float* values, std::int64_t head_dim,
                         float* out, RowAt row_at) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  Vec sum[kVectors];
  for (int i = 0; i < kVectors; ++i)
    sum[i] = hn::LoadU(d, out + static_cast<std::size_t>(i) * lanes);
  for (std::size_t j = 0; j < weights.size(); ++j) {
    const float* row = values + row_at(j) * head_dim;
    const Vec w = hn::Set(d, weights[j]);
    for (int i = 0; i < kVectors; ++i)
      sum[i] = hn::MulAdd(w, hn::LoadU(d, row + static_cast<std::size_t>(i) * lanes), sum[i]);
  }
  for (int i = 0; i < kVectors; ++i)
    hn::StoreU(sum[i], d, out + static_cast<std::size_t>(i) * lanes);
}

template <class RowAt>
HWY_INLINE void AddRows(std::span<const float> weights, const float* values, std::int64_t head_dim,
                        float* out, RowAt row_at) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Floats()));
  std::int64_t i = 0;
  for (; i + 4 * lanes <= head_dim; i += 4 * lanes)
    AddSlice<4>(weights, values + i, head_dim, out + i, row_at);
  for (; i + 2 * lanes <= head_dim; i += 2 * lanes)
    AddSlice<2>(weights, values + i, head_dim, out + i, row_at);
  for (; i + lanes <= head_dim; i += lanes)
    AddSlice<1>(weights, values + i, head_dim, out + i, row_at);
  for (; i < head_dim; ++i)
    for (std::size_t j = 0; j < weights.size(); ++j)
      out[i] += weights[j] * values[row_at(j) * head_dim + i];
}

void AddWeightedRows(std::span<const float> weights, const float* values, std::int64_t head_dim, float* out) {
  AddRows(weights, values, head_dim, out, [](std::size_t j) { return static_cast<std::int64_t>(j); });
}

void AddWeightedRowsAt(std::span<const float> weights, std::span<const std::int32_t> indices,
                       const float* values, std::int64_t head_dim, float* out) {
  AddRows(weights, values, head_dim, out, [indices](std::size_t j) { return std::int64_t{indices[j]}; });
}

}  // namespace toptheta::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace toptheta {

HWY_EXPORT(RowMax);
HWY_EXPORT(CompactAbove);
HWY_EXPORT(ExpInPlace);
HWY_EXPORT(ExpSum);
HWY_EXPORT(AddWeightedRows);
HWY_EXPORT(AddWeightedRowsAt);

void pack_keys(const float* keys, std::int64_t rows, std::int64_t stride, std::int64_t head_dim,
               std::int64_t first_position, float* packed) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t position = first_position + r;
    float* const column = packed + position / kKeyBlock * kKeyBlock * head_dim + position % kKeyBlock;
    for (std::int64_t i = 0; i < head_dim; ++i)
      column[i * kKeyBlock] = keys[r * stride + i];
  }
}

void score_rows(const float* q, std::int64_t rows, std::int64_t q_stride, const float* packed_keys,
                std::int64_t head_dim, std::int64_t num_keys, float scale, float* scores,
                std::int64_t score_stride) {
  score_tile({.q = q,
              .q_stride = q_stride,
              .rows = rows,
              .keys = packed_keys,
              .head_dim = head_dim,
              .blocks = (num_keys + kKeyBlock - 1) / kKeyBlock,
              .scale = scale,
              .scores = scores,
              .score_stride = score_stride});
}

float row_max(std::span<const float> row) {
  return HWY_DYNAMIC_DISPATCH(RowMax)(row);
}

std::int64_t compact_above(std::span<const float> row, float theta, std::int32_t* indices, float* values) {
  return HWY_DYNAMIC_DISPATCH(CompactAbove)(row, theta, indices, values);
}

double exp_in_place(std::span<float> values, float shift) {
  return HWY_DYNAMIC_DISPATCH(ExpInPlace)(values, shift);
}

double exp_sum(std::span<const float> row, float shift) {
  return HWY_DYNAMIC_DISPATCH(ExpSum)(row, shift);
}

void add_weighted_rows(std::span<const float> weights, const float* values, std::int64_t head_dim,
                       float* out) {
  HWY_DYNAMIC_DISPATCH(AddWeightedRows)(weights, values, head_dim, out);
}

void add_weighted_rows_at(std::span<const float> weights, std::span<const std::int32_t> indices,
                          const float* values, std::int64_t head_dim, float* out) {
  HWY_DYNAMIC_DISPATCH(AddWeightedRowsAt)(weights, indices, values, head_dim, out);
}

}  // namespace toptheta
#endif  // HWY_ONCE
