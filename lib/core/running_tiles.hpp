// The order in which running-softmax placement visits a row's keys (docs/method.md, "Running softmax"): what
// calibration and inference must agree on.
#pragma once
#include <algorithm>
#include <cstdint>

namespace toptheta {

// Keys that are visited together. Tiles begin at multiples of it among the positions of the sequence.
inline constexpr std::int64_t kRunningTile = 128;

// Calls visit(begin, end) for the entries [begin, end) of a row of n keys whose first is at position
// first_key: the tile of its first key, then from that of its last key back to the second.
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
