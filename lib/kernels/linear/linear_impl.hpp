// Internal to kernels/linear: what Linear stores, and the parts of its computation.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/fresh_array.hpp"
#include "kernels/linear/coded_panel.hpp"
#include "kernels/linear/linear.hpp"
#include "kernels/linear/matrix_vector.hpp"
#include "kernels/linear/panel_products.hpp"
#include "kernels/linear/row_tiles.hpp"

namespace toptheta {

// Memory that a thread reuses from call to call.
template <class Number>
Number* thread_memory(std::size_t count) {
  static thread_local std::vector<Number> numbers;
  if (numbers.size() < count) numbers.resize(count);
  return numbers.data();
}

// A single row of inputs: as floats, and in 8 bits where the weights are in 8 bits.
struct OneRow {
  const float* x = nullptr;
  const CodedVector* coded = nullptr;
};

struct Linear::Impl {
  std::int64_t in;
  std::int64_t out;
  bool bf16;
  std::int64_t group;                // of 8-bit weights: 16 or 32; 0: others
  bool bf16_products;                // the processor multiplies bf16
  std::int64_t padded_in;            // even for bf16 weights, whole blocks for 8-bit ones
  FreshArray<float> wide;            // [panels][in][64], or
  FreshArray<std::uint32_t> narrow;  // [panels][padded in / 2][64], or
  FreshArray<std::byte> coded;       // [panels] as in coded_panel.hpp
  std::vector<float> bias;           // [panels * 64], or empty
  const PanelProducts* whole;        // all panels at once; null where oneDNN has no such product
  const PanelProducts* direct;       // writes into y; null where that is not fast
  const PanelProducts* aside;        // writes 64 columns elsewhere, for a last panel that is not full

  Impl(std::int64_t in_features, std::int64_t out_features, Compute compute, std::int64_t code_group);
  [[nodiscard]] std::int64_t panels() const { return (out + kPanelWidth - 1) / kPanelWidth; }
  [[nodiscard]] std::int64_t columns(std::int64_t panel) const {
    return std::min(kPanelWidth, out - panel * kPanelWidth);
  }
  [[nodiscard]] const float* wide_panel(std::int64_t panel) const {
    return wide.data() + panel * in * kPanelWidth;
  }
  [[nodiscard]] const std::uint32_t* narrow_panel(std::int64_t panel) const {
    return narrow.data() + panel * padded_in / 2 * kPanelWidth;
  }
  [[nodiscard]] CodedPanel coded_panel(std::int64_t panel) const {
    return {coded.data() + panel * coded_panel_bytes(padded_in, group), padded_in, group};
  }
  void pack(const float* from, std::int64_t panel);  // `from`: the panel's rows
  void pack_codes(std::int64_t panel, const std::function<void(const CodedRows&)>& fill);
  void pack_rounded(const float* from, std::int64_t panel);

  void run(const float* x, std::int64_t rows, float* y, bool add) const;
  [[nodiscard]] OneRow prepared(const float* x) const;
  void one_row(const OneRow& row, std::int64_t panel, PanelColumns part, float* y, bool add) const;
  void single(const float* x, float* y, bool add) const;
  [[nodiscard]] const void* halves(const float* x, std::int64_t rows) const;
  [[nodiscard]] const void* panel_weights(std::int64_t panel, float*& scratch) const;
  void whole_tile(const void* x, const RowTile& tile, float* y, bool add) const;
  void group_tile(const void* x, const RowTile& tile, std::int64_t first, std::int64_t end, float* y,
                  bool add) const;
  void tile(const void* x, const RowTile& tile, std::int64_t panel, float* y, bool add) const;
  [[nodiscard]] const void* row_of(const void* x, std::int64_t row) const;
  void add_bias(const RowTile& tile, std::int64_t panel, float* y) const;
};

}  // namespace toptheta
