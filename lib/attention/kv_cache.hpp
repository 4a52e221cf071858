// Keys and values of one sequence, laid out for the attention kernels.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "attention/prefilter.hpp"
#include "core/shape.hpp"
#include "kernels/attention_rows.hpp"
#include "kernels/large_array.hpp"

namespace toptheta {

// Keys are stored in blocks of kKeyBlock positions, [block][head_dim][kKeyBlock], so that a query meets 16
// keys at a time without horizontal sums; values are stored row by row, [position][head_dim], so that single
// rows can be read. Memory: 8 bytes * layers * KV heads * head_dim * capacity, and what a prefilter adds
// (KeyIndex).
class KvCache {
 public:
  KvCache(const ModelShape& shape, std::int64_t capacity, Prefilter prefilter = Prefilter::none);

  [[nodiscard]] const ModelShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  // Positions that all layers hold.
  [[nodiscard]] std::int64_t length() const { return length_; }

  // Writes `rows` positions, from position length() on, of one layer. k, v: [rows, num_kv_heads, head_dim], k
  // after rotary embedding. Requires length() + rows <= capacity(). Call it for every layer, then
  // advance(rows) once. Parallel over KV heads.
  void append(std::int64_t layer, std::int64_t rows, const float* k, const float* v);
  void advance(std::int64_t rows) { length_ += rows; }
  // Forgets everything from position `length` on.
  void truncate(std::int64_t length);

  // [blocks][head_dim][kKeyBlock]; the tail of the last block is zero or stale, never NaN.
  [[nodiscard]] const float* keys(std::int64_t layer, std::int64_t kv_head) const;
  [[nodiscard]] const KeyIndex& index() const { return index_; }
  // [capacity][head_dim]
  [[nodiscard]] const float* values(std::int64_t layer, std::int64_t kv_head) const;
  // Sum of V_0 ... V_{position-1}, written to sum [head_dim]; at most kSumStride additions (VMC's running
  // mean).
  void value_sum(std::int64_t layer, std::int64_t kv_head, std::int64_t position,
                 std::span<double> sum) const;

 private:
  static constexpr std::int64_t kSumStride = 64;
  [[nodiscard]] std::size_t head_index(std::int64_t layer, std::int64_t kv_head) const {
    return static_cast<std::size_t>(layer * shape_.num_kv_heads + kv_head);
  }

  ModelShape shape_;
  std::int64_t capacity_ = 0;  // rounded up to a multiple of kSumStride
  std::int64_t length_ = 0;
  LargeArray<float> keys_;    // [layers][KV heads][capacity / kKeyBlock][head_dim][kKeyBlock]
  LargeArray<float> values_;  // [layers][KV heads][capacity][head_dim]
  KeyIndex index_;
  std::vector<double>
      sums_;  // [layers][KV heads][capacity / kSumStride + 1][head_dim]: sum of V before position b * 64
};

}  // namespace toptheta
