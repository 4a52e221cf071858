// The order in which running-softmax placement visits the keys of a row (docs/method.md, "Running softmax").
// Calibration and inference must visit them in the same order.
#pragma once
#include <algorithm>
#include <cstdint>

namespace toptheta {

// The number of keys in a tile. Tiles begin at the positions of the sequence that are multiples of it.
inline constexpr std::int64_t kRunningTile = 128;

// How many of the tiles visited first are read in full where calibrated SDC estimates the others before they
// are read (docs/method.md, "Running softmax with calibrated SDC"): the tiles at the two ends of a row.
inline constexpr int kTilesRead = 2;

// Calls visit(begin, end) for the entries [begin, end) of each tile of a row of n keys, the first of which is
// at position first_key: first the tile of the row's first key, then from the tile of its last key backwards
// to the second tile.
template <class Visit>
void for_each_running_tile(std::int64_t first_key, std::int64_t n, const Visit& visit) {
  const std::int64_t first_tile = first_key / kRunningTile;
  const std::int64_t last_tile = (first_key + n - 1) / kRunningTile;
  const auto visit_tile = [&](std::int64_t tile) {
    visit(std::max<std::int64_t>(tile * kRunningTile - first_key, 0),
          std::min((tile + 1) * kRunningTile - first_key, n));
  };
  if (n <= 0) return;
  visit_tile(first_tile);
  for (std::int64_t tile = last_tile; tile > first_tile; --tile)
    visit_tile(tile);
}

}  // namespace toptheta
