// Scores as dot products of bfloat16, where the processor has them (AVX512_BF16): twice the arithmetic of
// fp32.
#pragma once
#include <cstdint>

#include "kernels/attention/score_tile.hpp"

namespace toptheta {

// Whether this processor, and the instruction sets that Highway is left with, have them.
bool bf16_scores_serve();

// As score_tile, of queries and keys in bfloat16: q: [rows], tile.q_stride elements apart; keys: as
// narrow_keys.hpp packs them. head_dim must be even. tile.q and tile.keys are not used. A product is exact,
// sums are fp32 in order of the pairs of dimensions; subnormal numbers count as zero. Only where
// bf16_scores_serve().
void score_tile_bf16(const ScoreTile& tile, const std::uint16_t* q, const std::uint16_t* keys);

}  // namespace toptheta
