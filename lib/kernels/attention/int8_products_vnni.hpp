// Products of codes by the quad product of bytes (AVX-512 VNNI), which Highway 1.0.3 does not have: a fifth
// of the instructions, and sums of 32 bits.
#pragma once
#include "kernels/attention/int8_tile.hpp"

namespace toptheta {

// Requires has_vnni() (kernels/vector/vnni.hpp). Of CodeTile, `half` is not used.
void mark_tile_vnni(const CodeTile& tile);

}  // namespace toptheta
