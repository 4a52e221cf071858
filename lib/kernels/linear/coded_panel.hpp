// Panels of weights of 8 bits: weight = scale * code + offset, codes 0 to 255, with a scale and an offset for
// each group of 16 or 32 weights of a row (an output feature), as every quantised type of GGUF has them.
//
// A panel holds kPanelWidth rows, group by group: the scales of all rows, their offsets, then the codes, four
// of a row side by side, [group / 4][kPanelWidth][4], which a dot product of bytes takes at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/linear/matrix_vector.hpp"

namespace toptheta {

// Rows of weights as they come: [rows][in], scales and offsets [rows][in / group].
struct CodedRows {
  std::int64_t group = 32;  // 16 or 32
  std::uint8_t* codes = nullptr;
  float* scales = nullptr;
  float* offsets = nullptr;

  [[nodiscard]] CodedRows from(std::int64_t row, std::int64_t in) const {
    return {group, codes + row * in, scales + row * in / group, offsets + row * in / group};
  }
};

// Inputs of single rows are coded in blocks of so many; a row of weights is a whole number of them.
inline constexpr std::int64_t kCodeBlock = 32;

// Rounds rows of floats: 128 + the nearest integer to weight / scale, the scale the largest magnitude of a
// group / 127.
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

// `count` rows, at most kPanelWidth, as a panel; `data` is all zero before.
void pack_coded(const CodedRows& rows, std::int64_t count, std::int64_t in, std::byte* data);
// One row of it again: scale * code + offset, with one rounding where the processor has multiply-adds.
void unpack_coded(const CodedPanel& panel, std::int64_t row, float* weights);

// A row of inputs: codes from -127 to 127, a scale for each block, and the sum of each group's codes.
struct CodedVector {
  std::vector<std::int8_t> codes;
  std::vector<float> scales;
  std::vector<float> sums;
};
// Rounds `count` floats; the rest, up to `in`, is zero. A block with a number that is not finite becomes NaN.
void code_vector(const float* x, std::int64_t count, std::int64_t in, std::int64_t group, CodedVector& coded);

// y[c] = sum over groups of x's scale * (scale * (sum of code * x's code) + offset * x's sum), for the
// kPanelWidth rows c. The inner sum is of integers, and exact; the same bytes at every instruction set that
// has multiply-adds of floats.
void coded_panel_times_vector(const CodedPanel& panel, const CodedVector& x, float* y);

// The panel as floats, [in][kPanelWidth], and as pairs of bfloat16, [in / 2][kPanelWidth]
// (matrix_vector.hpp).
void widen_coded_panel(const CodedPanel& panel, float* wide);
void widen_coded_panel_bf16(const CodedPanel& panel, std::uint32_t* pairs);

}  // namespace toptheta
