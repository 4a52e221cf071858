// Panels of 8-bit weights: weight = scale * code + offset, with codes from 0 to 255, and a scale and an
// offset for each group of 16 or 32 weights of a row (an output feature). Every quantised type of GGUF has
// this form.
//
// A panel holds kPanelWidth rows, group by group: the scales of all rows, their offsets, and then the codes
// as [group / 4][kPanelWidth][4], so that four codes of a row are adjacent, as a dot product of bytes takes
// them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/linear/matrix_vector.hpp"

namespace toptheta {

// Rows of weights before they are packed: codes [rows][in], scales and offsets [rows][in / group].
struct CodedRows {
  std::int64_t group = 32;  // 16 or 32
  std::uint8_t* codes = nullptr;
  float* scales = nullptr;
  float* offsets = nullptr;

  [[nodiscard]] CodedRows from(std::int64_t row, std::int64_t in) const {
    return {group, codes + row * in, scales + row * in / group, offsets + row * in / group};
  }
};

// A single row of inputs is coded in blocks of this many numbers; `in` is a multiple of it.
inline constexpr std::int64_t kCodeBlock = 32;

// Rounds rows of floats to codes: 128 + the integer nearest to weight / scale, where the scale is the largest
// magnitude of the group / 127.
void code_rows(const float* weights, std::int64_t rows, std::int64_t in, const CodedRows& to);

constexpr std::int64_t coded_group_bytes(std::int64_t group) {
  return kPanelWidth * (group + 2 * std::int64_t{sizeof(float)});
}
constexpr std::int64_t coded_panel_bytes(std::int64_t in, std::int64_t group) {
  return in / group * coded_group_bytes(group);
}

struct CodedPanel {
  const std::byte* data = nullptr;
  std::int64_t in = 0;  // a multiple of kCodeBlock
  std::int64_t group = 32;
};

// Packs `count` rows, at most kPanelWidth, into a panel. `data` must be all zero before.
void pack_coded(const CodedRows& rows, std::int64_t count, std::int64_t in, std::byte* data);
// Unpacks one row: weights[i] = scale * code + offset, rounded once where the processor has fused
// multiply-adds.
void unpack_coded(const CodedPanel& panel, std::int64_t row, float* weights);

// A row of inputs: codes from -127 to 127 [in], a scale for each block [in / kCodeBlock], and the sum of the
// codes in each group of the weights [in / group].
struct CodedVector {
  std::vector<std::int8_t> codes;
  std::vector<float> scales;
  std::vector<float> sums;
};
// Rounds `count` floats to codes; the rest, up to `in`, becomes zero. A block that holds a number that is not
// finite gets the scale NaN.
void code_vector(const float* x, std::int64_t count, std::int64_t in, std::int64_t group, CodedVector& coded);

// For the kPanelWidth rows c of the panel: y[c] = sum over groups of x_scale * (scale * (sum of code *
// x_code) + offset * x_sum). The inner sum is of integers and exact. All instruction sets with fused
// multiply-adds of floats give the same bytes.
void coded_panel_times_vector(const CodedPanel& panel, const CodedVector& x, float* y);

// Converts the panel to floats [in][kPanelWidth], or to pairs of bfloat16 [in / 2][kPanelWidth]
// (matrix_vector.hpp).
void widen_coded_panel(const CodedPanel& panel, float* wide);
void widen_coded_panel_bf16(const CodedPanel& panel, std::uint32_t* pairs);

}  // namespace toptheta
