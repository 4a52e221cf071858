// Where a table's thresholds stand on few rows.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// Fewer calibration rows behind a threshold than this are thin: its standard error is then more than a third
// of the spread between rows, and a single document decides much of it.
inline constexpr std::int64_t kThinRows = 8;

// Neighbouring row lengths of a layer, or of all layers where they are alike, whose thresholds are thin.
struct ThinCells {
  std::int64_t k = 0;
  std::int32_t shortest = 0;  // row lengths
  std::int32_t longest = 0;
  std::int64_t heads = 0;   // that are thin there
  std::int64_t fewest = 0;  // rows behind one threshold; 1: a single document's
};

// Of one target, by row length; interpolated entries (count 0) are passed over. Lengths belong together where
// the same number of heads is thin and no calibrated length lies between. Time and memory: O(entries).
std::vector<ThinCells> thin_cells(const Target& target, std::int64_t enough = kThinRows);

// What to tell a user about them, and what to do: one sentence each, the widest ranges first, at most `most`
// and then how many there are.
std::vector<std::string> describe(const std::vector<ThinCells>& thin, std::size_t most = 3);

}  // namespace toptheta
