// One row times a packed panel of weights: what decoding does, bound by reading the weights.
#pragma once
#include <cstdint>

namespace toptheta {

// Columns (output features) of a panel.
inline constexpr std::int64_t kPanelWidth = 64;

// Some columns of a panel: multiples of 16.
struct PanelColumns {
  std::int64_t first = 0;
  std::int64_t count = kPanelWidth;
};

// y[c] = sum over i of x[i] * panel[i][c] for the columns c of a panel [rows][kPanelWidth]; the other y stay
// as they are. A column's sum is the same whatever others come with it.
void panel_times_vector(const float* x, const float* panel, std::int64_t rows, float* y,
                        PanelColumns columns = {});

// The same with weights in bfloat16, two rows to a word: [rows / 2][kPanelWidth], the even row in the low
// half and the odd row in the high one, as the bf16 dot product of x86 reads them. x and the sums stay in
// fp32. Requires an even number of rows.
void panel_times_vector_bf16(const float* x, const std::uint32_t* panel, std::int64_t rows, float* y,
                             PanelColumns columns = {});

// Widens such a panel to [rows][kPanelWidth]. Exact.
void widen_panel_bf16(const std::uint32_t* panel, std::int64_t rows, float* wide);

}  // namespace toptheta
