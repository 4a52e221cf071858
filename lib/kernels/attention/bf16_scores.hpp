// Scores as dot products of bfloat16 on processors that have them (AVX512_BF16), at twice the speed of
// floats.
#pragma once
#include <cstdint>

#include "kernels/attention/score_tile.hpp"

namespace toptheta {

// Whether this processor has these instructions and Highway is not restricted to older instruction sets.
bool bf16_scores_serve();

// As score_tile(), for queries and keys in bfloat16. q: [rows], tile.q_stride elements apart; keys: packed as
// in narrow_keys.hpp. tile.q and tile.keys are not used. head_dim must be even. Products are exact; sums are
// floats, added up in the order of the pairs of dimensions; subnormal numbers count as zero. Requires
// bf16_scores_serve().
void score_tile_bf16(const ScoreTile& tile, const std::uint16_t* q, const std::uint16_t* keys);

}  // namespace toptheta
