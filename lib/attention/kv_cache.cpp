#include "attention/kv_cache.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "kernels/attention/bf16_scores.hpp"
#include "kernels/attention/narrow_keys.hpp"
#include "kernels/rows/int8_row.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

namespace {
std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

Prefilter without_codes(Prefilter prefilter) {
  if (prefilter == Prefilter::automatic) return Prefilter::page;
  return prefilter == Prefilter::int8 ? Prefilter::none : prefilter;
}

// The index of the first of `count` numbers that is finite but becomes infinite in `type`.
std::optional<std::int64_t> overflows(KvType type, const float* values, std::int64_t count) {
  if (!is_half(type)) return std::nullopt;
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint16_t half = 0;
    float rounded = 0;
    narrow(type, values + i, 1, &half);
    widen(type, &half, 1, &rounded);
    if (std::isfinite(values[i]) && !std::isfinite(rounded)) return i;
  }
  return std::nullopt;
}
}  // namespace

KvCache::KvCache(const ModelShape& shape, std::int64_t capacity, Prefilter prefilter, KvType type,
                 Compute compute)
    : shape_(shape),
      type_(type),
      rounds_queries_(compute == Compute::bf16 && type == KvType::bf16 && tiles_serve(shape.head_dim) &&
                      bf16_scores_serve()),
      asked_capacity_(capacity),
      capacity_(round_up(std::max<std::int64_t>(capacity, 1), kSumStride)),
      index_(rounds_queries_ ? without_codes(prefilter) : prefilter, shape, capacity_),
      memory_(shape.num_layers, shape.num_heads) {
  static_assert(kSumStride % kKeyBlock == 0);
  const auto heads = static_cast<std::size_t>(shape.num_layers * shape.num_kv_heads);
  const auto elements = heads * static_cast<std::size_t>(capacity_ * shape.head_dim);
  if (type == KvType::f32) {
    keys_ = FreshArray<float>(elements);
    values_ = FreshArray<float>(elements);
  } else {
    const auto bytes = heads * static_cast<std::size_t>(capacity_ * row_bytes(type, shape.head_dim));
    narrow_keys_ = FreshArray<std::byte>(bytes);
    narrow_values_ = FreshArray<std::byte>(bytes);
  }
  if (type == KvType::int8) {
    key_scales_ = FreshArray<float>(heads * static_cast<std::size_t>(capacity_));
    value_scales_ = FreshArray<float>(heads * static_cast<std::size_t>(capacity_));
  }
  key_bounds_.resize(heads);
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

NarrowKeys KvCache::narrow_keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
  assert(type_ != KvType::f32);
  const std::int64_t rows = rows_before(layer, kv_head, first);
  return {type_, narrow_keys_.data() + rows * row_bytes(type_, shape_.head_dim),
          type_ == KvType::int8 ? key_scales_.data() + rows : nullptr};
}

NarrowRows KvCache::narrow_values(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
  assert(type_ != KvType::f32);
  const std::int64_t rows = rows_before(layer, kv_head, first);
  return {type_, narrow_values_.data() + rows * row_bytes(type_, shape_.head_dim),
          type_ == KvType::int8 ? value_scales_.data() + rows : nullptr};
}

const float* KvCache::wide_keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first,
                                std::int64_t count, std::vector<float>& wide) const {
  if (type_ == KvType::f32) return keys(layer, kv_head, first);
  const std::int64_t blocks = (count + kKeyBlock - 1) / kKeyBlock;
  const auto size = static_cast<std::size_t>(blocks * kKeyBlock * shape_.head_dim);
  if (wide.size() < size) wide.resize(size);
  widen_keys(narrow_keys(layer, kv_head, first), blocks, shape_.head_dim, wide.data());
  return wide.data();
}

const float* KvCache::wide_values(std::int64_t layer, std::int64_t kv_head, std::int64_t first,
                                  std::int64_t count, std::vector<float>& wide) const {
  if (type_ == KvType::f32) return values(layer, kv_head, first);
  const std::int64_t size = count * shape_.head_dim;
  if (wide.size() < static_cast<std::size_t>(size)) wide.resize(static_cast<std::size_t>(size));
  widen_rows(narrow_values(layer, kv_head, first), shape_.head_dim, 0, count, wide.data());
  return wide.data();
}

void KvCache::append(std::int64_t layer, std::int64_t rows, const float* k, const float* v) {
  assert(length_ + rows <= capacity_);
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t stride = shape_.num_kv_heads * dim;
  std::atomic<bool> fits = true;
  const auto append_head = [&](std::int64_t g) {
    if (type_ == KvType::f32) return append_rows(layer, g, rows, k + g * dim, v + g * dim, stride);
    if (!append_rounded(layer, g, rows, k + g * dim, v + g * dim)) fits = false;
  };
  // Copying a few rows takes less time than waking other threads. Passed by reference, because copying into a
  // std::function would allocate.
  constexpr std::int64_t kFewRows = 8;
  parallel_for(shape_.num_kv_heads, std::cref(append_head), rows <= kFewRows ? 1 : 0);
  if (!fits) refuse_overflow(layer, rows, k, v);
}

bool KvCache::append_rounded(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* k,
                             const float* v) {
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t stride = shape_.num_kv_heads * dim;
  thread_local std::vector<float> rounded;  // the keys, then the values, as floats again
  const auto size = static_cast<std::size_t>(rows * dim);
  if (rounded.size() < 2 * size) rounded.resize(2 * size);
  if (type_ == KvType::int8)
    store_int8(layer, kv_head, rows, k, v, rounded.data());
  else
    store_halves(layer, kv_head, rows, k, v, rounded.data());
  append_rows(layer, kv_head, rows, rounded.data(), rounded.data() + rows * dim, dim);
  if (row_range({rounded.data(), 2 * size}).finite) return true;
  for (std::int64_t r = 0; r < rows; ++r)
    for (const float* const from : {k + r * stride, v + r * stride})
      if (overflows(type_, from, dim)) return false;
  return true;  // the numbers were not finite before rounding
}

void KvCache::store_halves(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* k,
                           const float* v, float* rounded) {
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t stride = shape_.num_kv_heads * dim;
  thread_local std::vector<std::uint16_t> halves;
  const auto size = static_cast<std::size_t>(rows * dim);
  if (halves.size() < size) halves.resize(size);
  auto* const keys = reinterpret_cast<std::uint16_t*>(narrow_keys_.data());
  auto* const values = reinterpret_cast<std::uint16_t*>(narrow_values_.data());
  for (int part = 0; part < 2; ++part) {
    const float* const from = part == 0 ? k : v;
    for (std::int64_t r = 0; r < rows; ++r)
      narrow(type_, from + r * stride, dim, halves.data() + r * dim);
    widen(type_, halves.data(), rows * dim, rounded + part * rows * dim);
    if (part == 0)
      pack_half_keys(type_, halves.data(), rows, dim, dim, length_, keys + offset(layer, kv_head, 0));
    else
      std::copy_n(halves.data(), rows * dim, values + offset(layer, kv_head, length_));
  }
}

void KvCache::store_int8(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* k,
                         const float* v, float* rounded) {
  const std::int64_t dim = shape_.head_dim;
  const std::int64_t stride = shape_.num_kv_heads * dim;
  thread_local std::vector<std::int8_t> key;
  if (key.size() < static_cast<std::size_t>(dim)) key.resize(static_cast<std::size_t>(dim));
  auto* const keys = reinterpret_cast<std::int8_t*>(narrow_keys_.data()) + offset(layer, kv_head, 0);
  auto* value = reinterpret_cast<std::int8_t*>(narrow_values_.data()) + offset(layer, kv_head, length_);
  float* const key_scales = key_scales_.data() + rows_before(layer, kv_head, length_);
  float* const value_scales = value_scales_.data() + rows_before(layer, kv_head, length_);
  for (std::int64_t r = 0; r < rows; ++r, value += dim) {
    key_scales[r] = int8_from_floats(k + r * stride, dim, key.data());
    pack_int8_key(key.data(), dim, length_ + r, keys);
    floats_from_int8(key.data(), key_scales[r], dim, rounded + r * dim);
    value_scales[r] = int8_from_floats(v + r * stride, dim, value);
    floats_from_int8(value, value_scales[r], dim, rounded + (rows + r) * dim);
  }
}

void KvCache::refuse_overflow(std::int64_t layer, std::int64_t rows, const float* k, const float* v) const {
  const std::int64_t dim = shape_.head_dim;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t g = 0; g < shape_.num_kv_heads; ++g)
      for (const auto& [name, from] : {std::pair{"key", k}, std::pair{"value", v}}) {
        const float* const row = from + (r * shape_.num_kv_heads + g) * dim;
        const auto at = overflows(type_, row, dim);
        if (!at) continue;
        throw InputError(
            {.where = fmt::format("KV cache: layer {}, KV head {}, position {}", layer, g, length_ + r),
             .what = fmt::format("a {} is too large for {}", name, name_of(type_)),
             .expected = fmt::format("numbers that {} can hold", name_of(type_)),
             .found = fmt::format("{} in dimension {}", row[*at], *at),
             .next = type_ == KvType::f16 ? "use --kv f32 or bf16" : "use --kv f32"});
      }
  throw std::logic_error("KvCache: nothing overflowed");
}

void KvCache::append_rows(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* keys,
                          const float* values, std::int64_t stride) {
  const std::int64_t dim = shape_.head_dim;
  const auto head = static_cast<std::int64_t>(head_index(layer, kv_head));
  if (type_ == KvType::f32)
    pack_keys(keys, rows, stride, dim, length_, keys_.data() + offset(layer, kv_head, 0));
  note_keys(static_cast<std::size_t>(head), rows, keys, stride);
  index_.append(head, length_, rows, keys, stride);
  double* const sums = sums_.data() + head * (capacity_ / kSumStride + 1) * dim;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t position = length_ + r;
    const float* const row = values + r * stride;
    if (type_ == KvType::f32) std::copy_n(row, dim, values_.data() + offset(layer, kv_head, position));
    // The sum after a block is the running sum of that block until the block is full.
    double* const sum = sums + (position / kSumStride + 1) * dim;
    if (position % kSumStride == 0) std::copy(sum - dim, sum, sum);
    for (std::int64_t i = 0; i < dim; ++i)
      sum[i] += static_cast<double>(row[i]);
  }
}

void KvCache::note_keys(std::size_t head, std::int64_t rows, const float* keys, std::int64_t stride) {
  float& bound = key_bounds_[head];
  const std::int64_t together = stride == shape_.head_dim ? rows : 1;
  for (std::int64_t r = 0; r < rows; r += together) {
    const RowRange range =
        row_range({keys + r * stride, static_cast<std::size_t>(together * shape_.head_dim)});
    bound = range.finite ? std::max({bound, range.largest, -range.smallest})
                         : std::numeric_limits<float>::infinity();
  }
}

void KvCache::truncate(std::int64_t length) {
  assert(length >= 0 && length <= length_);
  length_ = length;
  if (length == 0) memory_.clear();
  if (length == 0) std::fill(key_bounds_.begin(), key_bounds_.end(), 0.0F);
  // The sum after the block that is now partly full must cover only the rows that remain.
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
