#include "attention/kv_cache.hpp"

#include <algorithm>
#include <cassert>
#include <functional>

#include "core/parallel.hpp"
#include "kernels/attention/bf16_scores.hpp"
#include "kernels/attention/half_keys.hpp"

namespace toptheta {

namespace {
std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

Prefilter without_codes(Prefilter prefilter) {
  if (prefilter == Prefilter::automatic) return Prefilter::page;
  return prefilter == Prefilter::int8 ? Prefilter::none : prefilter;
}
}  // namespace

KvCache::KvCache(const ModelShape& shape, std::int64_t capacity, Prefilter prefilter, KvType type,
                 Compute compute)
    : shape_(shape),
      type_(type),
      rounds_queries_(compute == Compute::bf16 && type == KvType::bf16 && tiles_serve(shape.head_dim) &&
                      bf16_scores_serve()),
      capacity_(round_up(std::max<std::int64_t>(capacity, 1), kSumStride)),
      index_(rounds_queries_ ? without_codes(prefilter) : prefilter, shape, capacity_) {
  static_assert(kSumStride % kKeyBlock == 0);
  const auto heads = static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads);
  const auto elements = heads * static_cast<std::size_t>(capacity_ * shape.head_dim);
  if (type == KvType::f32) {
    keys_ = LargeArray<float>(elements);
    values_ = LargeArray<float>(elements);
  } else {
    half_keys_ = LargeArray<std::uint16_t>(elements);
    half_values_ = LargeArray<std::uint16_t>(elements);
  }
  sums_.resize(heads * static_cast<std::size_t>((capacity_ / kSumStride + 1) * shape.head_dim));
}

const float* KvCache::keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
  assert(type_ == KvType::f32);
  return keys_.data() + offset(layer, kv_head, first);
}

const float* KvCache::values(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
  assert(type_ == KvType::f32);
  return values_.data() + offset(layer, kv_head, first);
}

const std::uint16_t* KvCache::half_keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
  return half_keys_.data() + offset(layer, kv_head, first);
}

const std::uint16_t* KvCache::half_values(std::int64_t layer, std::int64_t kv_head,
                                          std::int64_t first) const {
  return half_values_.data() + offset(layer, kv_head, first);
}

const float* KvCache::wide_keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first,
                                std::int64_t count, std::vector<float>& wide) const {
  if (type_ == KvType::f32) return keys(layer, kv_head, first);
  const std::int64_t blocks = (count + kKeyBlock - 1) / kKeyBlock;
  const auto size = static_cast<std::size_t>(blocks * kKeyBlock * shape_.head_dim);
  if (wide.size() < size) wide.resize(size);
  widen_keys(type_, half_keys(layer, kv_head, first), blocks, shape_.head_dim, wide.data());
  return wide.data();
}

const float* KvCache::wide_values(std::int64_t layer, std::int64_t kv_head, std::int64_t first,
                                  std::int64_t count, std::vector<float>& wide) const {
  if (type_ == KvType::f32) return values(layer, kv_head, first);
  const std::int64_t size = count * shape_.head_dim;
  if (wide.size() < static_cast<std::size_t>(size)) wide.resize(static_cast<std::size_t>(size));
  widen(type_, half_values(layer, kv_head, first), size, wide.data());
  return wide.data();
}

void KvCache::append(std::int64_t layer, std::int64_t rows, const float* k, const float* v) {
  assert(length_ + rows <= capacity_);
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t stride = shape_.num_kv_heads * dim;
  const auto append_head = [&](std::int64_t g) {
    if (type_ == KvType::f32) return append_rows(layer, g, rows, k + g * dim, v + g * dim, stride);
    // Rounded, and back as floats.
    thread_local std::vector<std::uint16_t> halves;
    thread_local std::vector<float> rounded;
    const auto size = static_cast<std::size_t>(rows * dim);
    if (halves.size() < size) halves.resize(size);
    if (rounded.size() < 2 * size) rounded.resize(2 * size);
    for (int part = 0; part < 2; ++part) {
      const float* const from = (part == 0 ? k : v) + g * dim;
      for (std::int64_t r = 0; r < rows; ++r)
        narrow(type_, from + r * stride, dim, halves.data() + r * dim);
      widen(type_, halves.data(), rows * dim, rounded.data() + part * rows * dim);
      if (part == 0)
        pack_half_keys(type_, halves.data(), rows, dim, dim, length_,
                       half_keys_.data() + offset(layer, g, 0));
      else
        std::copy_n(halves.data(), rows * dim, half_values_.data() + offset(layer, g, length_));
    }
    append_rows(layer, g, rows, rounded.data(), rounded.data() + rows * dim, dim);
  };
  // A few rows are sooner copied than other threads are woken. By reference: a copy into std::function would
  // allocate.
  constexpr std::int64_t kFewRows = 8;
  parallel_for(shape_.num_kv_heads, std::cref(append_head), rows <= kFewRows ? 1 : 0);
}

void KvCache::append_rows(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* keys,
                          const float* values, std::int64_t stride) {
  const std::int64_t dim = shape_.head_dim;
  const auto head = static_cast<std::int64_t>(head_index(layer, kv_head));
  if (type_ == KvType::f32)
    pack_keys(keys, rows, stride, dim, length_, keys_.data() + offset(layer, kv_head, 0));
  index_.append(head, length_, rows, keys, stride);
  double* const sums = sums_.data() + head * (capacity_ / kSumStride + 1) * dim;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t position = length_ + r;
    const float* const row = values + r * stride;
    if (type_ == KvType::f32) std::copy_n(row, dim, values_.data() + offset(layer, kv_head, position));
    // sums[b] stays the running sum of block b - 1 until that block is full.
    double* const sum = sums + (position / kSumStride + 1) * dim;
    if (position % kSumStride == 0) std::copy(sum - dim, sum, sum);
    for (std::int64_t i = 0; i < dim; ++i)
      sum[i] += static_cast<double>(row[i]);
  }
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
  thread_local std::vector<float> wide;
  const std::int64_t count = position - block * kSumStride;
  const float* const rows = wide_values(layer, kv_head, block * kSumStride, count, wide);
  for (std::int64_t p = 0; p < count; ++p)
    for (std::int64_t i = 0; i < dim; ++i)
      sum[static_cast<std::size_t>(i)] += static_cast<double>(rows[p * dim + i]);
}

}  // namespace toptheta
