// Products of codes by the quad product of bytes (AVX-512 VNNI), which Highway 1.0.3 does not have: a fifth
// of the instructions, and sums of 32 bits.
#pragma once
#include "kernels/attention/int8_tile.hpp"

namespace toptheta {

// Whether this processor, and this build, have the instructions.
bool vnni_serves();

// Requires vnni_serves(). Of CodeTile, `half` is not used.
void mark_tile_vnni(const CodeTile& tile);

}  // namespace toptheta
