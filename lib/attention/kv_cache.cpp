#include "attention/kv_cache.hpp"

#include <algorithm>
#include <cassert>

#include "core/parallel.hpp"

namespace toptheta {

namespace {
std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}
}  // namespace

KvCache::KvCache(const ModelShape& shape, std::int64_t capacity, Prefilter prefilter)
    : shape_(shape),
      capacity_(round_up(std::max<std::int64_t>(capacity, 1), kSumStride)),
      index_(prefilter, shape, capacity_) {
  static_assert(kSumStride % kKeyBlock == 0);
  const auto heads = static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads);
  const auto elements = heads * static_cast<std::size_t>(capacity_ * shape.head_dim);
  keys_ = LargeArray<float>(elements);
  values_ = LargeArray<float>(elements);
  sums_.resize(heads * static_cast<std::size_t>((capacity_ / kSumStride + 1) * shape.head_dim));
}

const float* KvCache::keys(std::int64_t layer, std::int64_t kv_head) const {
  return keys_.data() + head_index(layer, kv_head) * static_cast<std::size_t>(capacity_ * shape_.head_dim);
}

const float* KvCache::values(std::int64_t layer, std::int64_t kv_head) const {
  return values_.data() + head_index(layer, kv_head) * static_cast<std::size_t>(capacity_ * shape_.head_dim);
}

void KvCache::append(std::int64_t layer, std::int64_t rows, const float* k, const float* v) {
  assert(length_ + rows <= capacity_);
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t stride = shape_.num_kv_heads * dim;
  parallel_for(shape_.num_kv_heads, [&](std::int64_t g) {
    const auto head = static_cast<std::int64_t>(head_index(layer, g));
    const float* const keys = k + g * dim;
    pack_keys(keys, rows, stride, dim, length_, keys_.data() + head * capacity_ * dim);
    index_.append(head, length_, rows, keys, stride);
    float* const values = values_.data() + head * capacity_ * dim;
    double* const sums = sums_.data() + head * (capacity_ / kSumStride + 1) * dim;
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t position = length_ + r;
      const float* const row = v + r * stride + g * dim;
      std::copy(row, row + dim, values + position * dim);
      // sums[b] stays the running sum of block b - 1 until that block is full.
      double* const sum = sums + (position / kSumStride + 1) * dim;
      if (position % kSumStride == 0) std::copy(sum - dim, sum, sum);
      for (std::int64_t i = 0; i < dim; ++i)
        sum[i] += static_cast<double>(row[i]);
    }
  });
}

void KvCache::truncate(std::int64_t length) {
  assert(length >= 0 && length <= length_);
  length_ = length;
  // The sum behind the block that is now part full must again cover just the rows that stay.
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t block = length / kSumStride;
  if (length % kSumStride == 0) return;
  for (std::int64_t layer = 0; layer < shape_.num_layers; ++layer) {
    for (std::int64_t g = 0; g < shape_.num_kv_heads; ++g) {
      double* const sums =
          sums_.data() + head_index(layer, g) * static_cast<std::size_t>((capacity_ / kSumStride + 1) * dim);
      value_sum(layer, g, length, {sums + (block + 1) * dim, static_cast<std::size_t>(dim)});
    }
  }
}

void KvCache::value_sum(std::int64_t layer, std::int64_t kv_head, std::int64_t position,
                        std::span<double> sum) const {
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t block = position / kSumStride;
  const double* const base =
      sums_.data() +
      head_index(layer, kv_head) * static_cast<std::size_t>((capacity_ / kSumStride + 1) * dim) + block * dim;
  std::copy(base, base + dim, sum.begin());
  const float* const rows = values(layer, kv_head);
  for (std::int64_t p = block * kSumStride; p < position; ++p)
    for (std::int64_t i = 0; i < dim; ++i)
      sum[static_cast<std::size_t>(i)] += static_cast<double>(rows[p * dim + i]);
}

}  // namespace toptheta
