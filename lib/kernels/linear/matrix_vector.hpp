// A single row times a packed panel of weights. This is what decoding does; it is bound by reading the
// weights.
#pragma once
#include <cstdint>

namespace toptheta {

// The number of columns (output features) in a panel.
inline constexpr std::int64_t kPanelWidth = 64;

// A range of columns of a panel; both numbers are multiples of 16.
struct PanelColumns {
  std::int64_t first = 0;
  std::int64_t count = kPanelWidth;
};

// y[c] = sum over i of x[i] * panel[i][c] for these columns c of a panel [rows][kPanelWidth]; other elements
// of y do not change. The sum of a column does not depend on which other columns are in the call.
void panel_times_vector(const float* x, const float* panel, std::int64_t rows, float* y,
                        PanelColumns columns = {});

// The same with bfloat16 weights, two rows per word: [rows / 2][kPanelWidth], with the even row in the low
// half and the odd row in the high half, as the bf16 dot product of x86 takes them. x and the sums are
// floats. Requires an even number of rows.
void panel_times_vector_bf16(const float* x, const std::uint32_t* panel, std::int64_t rows, float* y,
                             PanelColumns columns = {});

// Converts such a panel to floats [rows][kPanelWidth], exactly.
void widen_panel_bf16(const std::uint32_t* panel, std::int64_t rows, float* wide);

}  // namespace toptheta
