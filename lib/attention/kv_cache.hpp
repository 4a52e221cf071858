// Keys and values of one sequence, laid out for the attention kernels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attention/policy_memory.hpp"
#include "attention/prefilter.hpp"
#include "core/fresh_array.hpp"
#include "core/shape.hpp"
#include "kernels/attention/kv_type.hpp"
#include "kernels/attention/score_rows.hpp"
#include "kernels/linear/compute.hpp"

namespace toptheta {

// Keys are stored in blocks of kKeyBlock positions, [block][head_dim][kKeyBlock], so that a query is
// multiplied with 16 keys at a time without horizontal sums. Values are stored row by row,
// [position][head_dim], so that single rows can be read. Memory: 8 bytes (4 as f16 or bf16, 2 + 8 / head_dim
// as int8) * layers * KV heads * head_dim * capacity, and what a prefilter adds (KeyIndex).
//
// As f16, bf16 or int8, keys and values are rounded when they arrive (kernels/attention/narrow_keys.hpp).
// Everything afterwards, running sums and prefilters included, uses the rounded values, in float.
//
// Under Compute::bf16, where keys are bf16 and the processor multiplies bfloat16, queries are rounded to it
// too, and scores are dot products of bfloat16. This holds for every policy and for dumps of scores. Codes
// (int8) are not kept then: testing them would cost as much as the scores that they save.
class KvCache {
 public:
  KvCache(const ModelShape& shape, std::int64_t capacity, Prefilter prefilter = Prefilter::none,
          KvType type = KvType::f32, Compute compute = Compute::f32);

  [[nodiscard]] const ModelShape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t capacity() const { return capacity_; }
  // The capacity that the caller asked for: how long the sequence is meant to become.
  [[nodiscard]] std::int64_t asked_capacity() const { return asked_capacity_; }
  // The number of positions that all layers hold.
  [[nodiscard]] std::int64_t length() const { return length_; }

  // Writes `rows` positions of one layer, from position length() on. k, v: [rows, num_kv_heads, head_dim], k
  // after rotary embedding. Requires length() + rows <= capacity(). To be called for every layer, and then
  // advance(rows) once. Parallel over KV heads. Throws InputError where a finite number becomes infinite in
  // the cache's type.
  void append(std::int64_t layer, std::int64_t rows, const float* k, const float* v);
  void advance(std::int64_t rows) { length_ += rows; }
  // Forgets all positions from `length` on. truncate(0) also clears memory().
  void truncate(std::int64_t length);
  // What the policy remembers of the rows that it has attended over this cache. It changes with every row; a
  // caller who goes back to an earlier position must restore it too.
  [[nodiscard]] PolicyMemory& memory() { return memory_; }
  [[nodiscard]] const PolicyMemory& memory() const { return memory_; }

  // The largest |k_i| of a head, or more; infinity where some k_i is not finite.
  [[nodiscard]] float key_bound(std::int64_t layer, std::int64_t kv_head) const {
    return key_bounds_[head_index(layer, kv_head)];
  }

  [[nodiscard]] KvType type() const { return type_; }
  [[nodiscard]] bool rounds_queries() const { return rounds_queries_; }
  [[nodiscard]] KeyIndex& index() { return index_; }
  [[nodiscard]] const KeyIndex& index() const { return index_; }
  // Keys [blocks][head_dim][kKeyBlock] and values [positions][head_dim] from position `first`, a multiple of
  // kKeyBlock, on. The tail of the last block is zero or stale, never NaN. For f32 only.
  [[nodiscard]] const float* keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first = 0) const;
  [[nodiscard]] const float* values(std::int64_t layer, std::int64_t kv_head, std::int64_t first = 0) const;
  // The same for the other types, as they are stored; NarrowRows::wide is null.
  [[nodiscard]] NarrowKeys narrow_keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const;
  [[nodiscard]] NarrowRows narrow_values(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const;
  // `count` positions from `first` on as floats, whatever the type: the cache's own memory where it holds
  // floats, otherwise converted into `wide`. Keys come in whole blocks.
  const float* wide_keys(std::int64_t layer, std::int64_t kv_head, std::int64_t first, std::int64_t count,
                         std::vector<float>& wide) const;
  const float* wide_values(std::int64_t layer, std::int64_t kv_head, std::int64_t first, std::int64_t count,
                           std::vector<float>& wide) const;
  // Writes the sum of V_0 ... V_{position-1} to sum [head_dim], for VMC's running mean. Takes at most
  // kSumStride additions of rows.
  void value_sum(std::int64_t layer, std::int64_t kv_head, std::int64_t position,
                 std::span<double> sum) const;

 private:
  static constexpr std::int64_t kSumStride = 64;
  [[nodiscard]] std::size_t head_index(std::int64_t layer, std::int64_t kv_head) const {
    return static_cast<std::size_t>(layer * shape_.num_kv_heads + kv_head);
  }

  // The number of rows of all heads that come before that position.
  [[nodiscard]] std::int64_t rows_before(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
    return static_cast<std::int64_t>(head_index(layer, kv_head)) * capacity_ + first;
  }
  [[nodiscard]] std::int64_t offset(std::int64_t layer, std::int64_t kv_head, std::int64_t first) const {
    return rows_before(layer, kv_head, first) * shape_.head_dim;
  }
  void append_rows(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* keys,
                   const float* values, std::int64_t stride);
  // The same, with rows rounded first; false where that made a number infinite.
  bool append_rounded(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* k,
                      const float* v);
  // Stores rows of one head, and writes them, rounded, to `rounded`: first the keys, then the values.
  void store_halves(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* k,
                    const float* v, float* rounded);
  void store_int8(std::int64_t layer, std::int64_t kv_head, std::int64_t rows, const float* k, const float* v,
                  float* rounded);
  void note_keys(std::size_t head, std::int64_t rows, const float* keys, std::int64_t stride);
  [[noreturn]] void refuse_overflow(std::int64_t layer, std::int64_t rows, const float* k,
                                    const float* v) const;

  ModelShape shape_;
  KvType type_ = KvType::f32;
  bool rounds_queries_ = false;
  std::int64_t asked_capacity_ = 0;
  std::int64_t capacity_ = 0;  // rounded up to a multiple of kSumStride
  std::int64_t length_ = 0;
  FreshArray<float> keys_;             // [layers][KV heads][capacity / kKeyBlock][head_dim][kKeyBlock]
  FreshArray<float> values_;           // [layers][KV heads][capacity][head_dim]
  FreshArray<std::byte> narrow_keys_;  // the same for the other types
  FreshArray<std::byte> narrow_values_;
  FreshArray<float> key_scales_;  // int8: [layers][KV heads][capacity]
  FreshArray<float> value_scales_;
  std::vector<float> key_bounds_;  // [layers][KV heads]
  KeyIndex index_;
  PolicyMemory memory_;
  std::vector<double>
      sums_;  // [layers][KV heads][capacity / kSumStride + 1][head_dim]: sum of V before position b * 64
};

}  // namespace toptheta
