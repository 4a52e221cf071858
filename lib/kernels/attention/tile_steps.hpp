// attend_tile() in two steps, for placements whose thresholds depend on the tile's own scores.
#pragma once
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

// Computes the scores of all keys of the tile, soft-capped, into scratch.scores: [rows], TileScratch::kStride
// apart. tile.chosen is not used.
void score_keys_of(const AttentionTile& tile, TileScratch& scratch);

// Adds the tile to the rows' states, using these scores: those above tile.chosen->theta are kept. Overwrites
// the scores. tile.index is not used.
void attend_scored(const AttentionTile& tile, const TileSums& sums, TileScratch& scratch);

}  // namespace toptheta
