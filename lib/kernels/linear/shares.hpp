// How products are cut into pieces of work for threads. The cut does not affect results: each column of a row
// is a sum of its own.
#pragma once
#include <algorithm>
#include <cstdint>

namespace toptheta {

// A single row times all panels. The units are parts of panels; each piece is a run of neighbouring units,
// because long runs of memory are read fastest.
struct RowShares {
  std::int64_t parts = 1;   // of a panel
  std::int64_t units = 0;   // all parts of all panels
  std::int64_t pieces = 0;  // of work, among which the units are divided

  [[nodiscard]] std::int64_t first_unit(std::int64_t piece) const { return units * piece / pieces; }
};

// There are enough units that no thread of a team gets more than a tenth above its share, as far as quarters
// of panels (one cache line in each row) allow it. There are enough pieces that others can help a thread that
// is kept from running.
inline RowShares row_shares(std::int64_t panels, std::int64_t threads, std::int64_t most_parts) {
  constexpr std::int64_t kMostPieces = 8;  // per thread
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

// Many rows times all panels: the pieces are tiles of 2^log_rows rows times groups of neighbouring panels.
struct TileShares {
  int log_rows = 0;
  std::int64_t groups = 1;
};

// Gives each thread two pieces. First tiles are made smaller, down to 64 rows: below that, the weights, which
// are read again for each tile, would arrive too slowly from the last-level cache that many threads share.
// Then panels are divided into groups, and finally tiles are made smaller still.
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
