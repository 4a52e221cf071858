// How products are cut into pieces for threads. Which cut it is shows in no result: the columns of a row are
// sums of their own, and so are the rows and columns that these pieces of whole products have.
#pragma once
#include <algorithm>
#include <cstdint>

namespace toptheta {

// A row times all panels: parts of panels, neighbours in one piece, for memory likes to be read in long runs.
struct RowShares {
  std::int64_t parts = 1;   // of a panel
  std::int64_t units = 0;   // parts of all panels
  std::int64_t pieces = 0;  // which the units are dealt out in

  [[nodiscard]] std::int64_t first_unit(std::int64_t piece) const { return units * piece / pieces; }
};

// Units enough that no thread of a team gets over a tenth more than its share, if quarters of panels (a line
// of the cache in each row) allow it; pieces enough that others can help one that is kept from running.
inline RowShares row_shares(std::int64_t panels, std::int64_t threads, std::int64_t most_parts) {
  constexpr std::int64_t kMostPieces = 8;  // for a thread
  RowShares shares;
  const auto is_uneven = [&] {
    const std::int64_t largest = (panels * shares.parts + threads - 1) / threads;
    return 10 * largest * threads > 11 * panels * shares.parts;
  };
  while (threads > 1 && shares.parts < most_parts && is_uneven())
    shares.parts *= 2;
  shares.units = panels * shares.parts;
  shares.pieces =
      std::min(shares.units, threads * std::clamp<std::int64_t>(panels / threads, 1, kMostPieces));
  return shares;
}

// Many rows times all panels: tiles of 2^log_rows rows, times groups of neighbouring panels.
struct TileShares {
  int log_rows = 0;
  std::int64_t groups = 1;
};

// Two pieces for every thread. Rows are cut down to 64, which is where the weights, read again for each tile,
// come too slowly from the last cache of many threads; then columns are cut; and then rows again.
inline TileShares tile_shares(std::int64_t rows, std::int64_t panels, std::int64_t threads, int log_most) {
  constexpr int kLogLeast = 3;
  constexpr int kLogFew = 6;
  const std::int64_t pieces = 2 * threads;
  TileShares shares{log_most};
  const auto tiles = [&] { return std::max<std::int64_t>(1, rows >> shares.log_rows); };
  while (shares.log_rows > kLogFew && tiles() < pieces)
    --shares.log_rows;
  shares.groups = std::clamp<std::int64_t>((pieces + tiles() - 1) / tiles(), 1, panels);
  while (shares.log_rows > kLogLeast && tiles() * shares.groups < pieces)
    --shares.log_rows;
  return shares;
}

}  // namespace toptheta
