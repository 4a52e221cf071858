// Attention rows on their way from a dump or a forward pass to whoever calibrates or records them.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

// Some rows of one query head of one layer.
struct RowBlock {
  std::int64_t layer = 0;
  std::int64_t head = 0;  // query head
  const float* scores =
      nullptr;              // [rows, stride]; row r holds lengths[r] causal entries, the rest is ignored
  std::int64_t stride = 0;  // elements from one row to the next
  std::span<const std::int32_t> lengths{};  // [rows] n = query position + 1

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(lengths.size()); }
  [[nodiscard]] std::span<const float> row(std::int64_t r) const {
    return {scores + r * stride, static_cast<std::size_t>(lengths[static_cast<std::size_t>(r)])};
  }
};

// Receives rows. Blocks of different heads may arrive at the same time from different threads; blocks of one
// (layer, head) arrive one after the other, in row order.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;
  virtual void add(const RowBlock& block) = 0;
};

}  // namespace toptheta
