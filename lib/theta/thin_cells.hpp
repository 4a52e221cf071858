// Finds the thresholds of a table that rest on few rows.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// A threshold that rests on fewer calibration rows than this is thin: its standard error is more than a third
// of the spread between rows, and a single document has much influence on it.
inline constexpr std::int64_t kThinRows = 8;

// A range of row lengths at which thresholds of a target are thin.
struct ThinCells {
  std::int64_t k = 0;
  std::int32_t shortest = 0;  // row lengths
  std::int32_t longest = 0;
  std::int64_t heads = 0;   // how many heads have thin thresholds there
  std::int64_t fewest = 0;  // the fewest rows behind one of them
};

// The thin thresholds of one target, by row length; interpolated entries (count 0) are ignored. Neighbouring
// calibrated lengths form a range where the same number of heads is thin at each. Time and memory:
// O(entries).
std::vector<ThinCells> thin_cells(const Target& target, std::int64_t enough = kThinRows);

// One sentence for the user about each range, the widest ranges first; after `most` sentences, only how many
// ranges are left.
std::vector<std::string> describe(const std::vector<ThinCells>& thin, std::size_t most = 3);

// What the user can do about thin thresholds of a table.
std::string advice_on_thin_cells(const TableMeta& meta);

}  // namespace toptheta
