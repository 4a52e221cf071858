// coded_panel_times_vector() with the dot product of four bytes (AVX-512 VNNI), which Highway 1.0.3 lacks. It
// needs a twelfth of the instructions.
#pragma once
#include "kernels/linear/coded_panel.hpp"

namespace toptheta {

// Requires has_vnni() (kernels/vector/vnni.hpp).
void coded_panel_times_vector_vnni(const CodedPanel& panel, const CodedVector& x, float* y);

}  // namespace toptheta
