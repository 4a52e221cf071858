// Products of codes by the dot product of four bytes (AVX-512 VNNI), which Highway 1.0.3 lacks. It needs a
// fifth of the instructions and adds in 32 bits.
#pragma once
#include "kernels/attention/int8_tile.hpp"

namespace toptheta {

// Requires has_vnni() (kernels/vector/vnni.hpp). CodeTile::half is not used.
void mark_tile_vnni(const CodeTile& tile);

}  // namespace toptheta
