// attend_tile() in its two steps, for placements whose thresholds follow from the tile's own scores.
#pragma once
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

// The scores of all keys of the tile, soft-capped, into scratch.scores: [rows], TileScratch::kStride apart.
// What the tile chooses by is not looked at.
void score_keys_of(const AttentionTile& tile, TileScratch& scratch);

// Adds the tile to the rows' states by the scores that are there: what is above tile.chosen->theta. Uses them
// up. The tile's index is not used.
void attend_scored(const AttentionTile& tile, const TileSums& sums, TileScratch& scratch);

}  // namespace toptheta
