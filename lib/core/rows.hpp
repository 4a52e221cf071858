// Attention rows on their way from a dump or a forward pass to whatever calibrates on them or records them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace toptheta {

struct RowRange {
  float smallest;  // +infinity for an empty row
  float largest;   // -infinity for an empty row
  bool finite;     // no NaN and no infinity; smallest and largest mean nothing in a row with a NaN
};

// Consecutive rows of scores of one query head in one layer.
struct RowBlock {
  std::int64_t layer = 0;
  std::int64_t head = 0;  // query head
  const float* scores =
      nullptr;  // [rows, stride]; the first lengths[r] entries of row r are the scores, the rest is ignored
  std::int64_t stride = 0;                  // elements from one row to the next
  std::span<const std::int32_t> lengths{};  // [rows] n, the number of keys that the query sees
  // [rows] position of the first key of each row; not 0 where a sliding window hides earlier keys from a
  // query. Empty: 0 for all rows. The query of row r is at position first_keys[r] + lengths[r] - 1.
  std::span<const std::int32_t> first_keys{};
  // A logit that adds e^sink to the softmax's denominator beside the row's scores (an attention sink);
  // -infinity: none. Every softmax weight that is calibrated or reported takes it into account.
  float sink = -std::numeric_limits<float>::infinity();
  // [rows] row_range() of each row (kernels/rows/select.hpp) where the sender has it; empty otherwise.
  std::span<const RowRange> ranges{};
  // [rows] exp_sum() of each row (kernels/rows/row_mass.hpp) where the sender has it; empty otherwise.
  std::span<const double> exp_sums{};
  // The bytes that the sender will read next, where it knows them: a sink with much to compute may bring
  // next[r] into the cache while it works on row r.
  std::span<const std::span<const std::byte>> next{};

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(lengths.size()); }
  [[nodiscard]] std::int64_t first_key(std::int64_t r) const {
    return first_keys.empty() ? 0 : first_keys[static_cast<std::size_t>(r)];
  }
  [[nodiscard]] std::span<const float> row(std::int64_t r) const {
    return {scores + r * stride, static_cast<std::size_t>(lengths[static_cast<std::size_t>(r)])};
  }
};

// Receives rows. Blocks of different heads may arrive at the same time from different threads. Blocks of one
// (layer, head) arrive one after the other, in row order.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;
  virtual void add(const RowBlock& block) = 0;
  // Whether blocks of one (layer, head) that hold different rows may also arrive at the same time and in any
  // order.
  [[nodiscard]] virtual bool is_order_free() const { return false; }
};

}  // namespace toptheta
