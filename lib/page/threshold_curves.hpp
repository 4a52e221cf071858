// The data of charts about a threshold table: summaries of heads, and thresholds over row lengths.
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta::page {

// One head of a target; means over its calibration rows, where interpolated entries count as one row.
struct HeadThresholds {
  std::int64_t k = 0;  // as applied; kDenseK if dense
  double theta = kNotCalibrated;
  double std = kNotCalibrated;
  double kept_mass = kNotCalibrated;
  std::int64_t entries = 0;
  std::int64_t rows = 0;
  std::int64_t interpolated = 0;  // entries without a row of their own
  std::int64_t thin = 0;          // entries of fewer than kThinRows rows
  std::int32_t shortest = 0;
  std::int32_t longest = 0;
};

// [num_layers * num_heads]
std::vector<HeadThresholds> heads_of(const Target& target);

// The thresholds of a layer's heads for rows of similar length.
struct LengthPoint {
  double length = 0;  // mean
  double theta = 0;   // mean over rows and heads
  double std = 0;     // the same of the spread between rows
  double lowest = 0;  // of the heads' means
  double highest = 0;
  double rows = 0;          // per threshold, mean over heads and lengths
  std::int64_t fewest = 0;  // the fewest
};

// Sorts entries into at most `most` classes of lengths, each longer than the one before by the same factor;
// classes without an entry are left out. Cost: O(entries).
std::vector<LengthPoint> by_length(const ThresholdTable& table, const Target& target, std::int64_t layer,
                                   int most);
// The same over all layers.
std::vector<LengthPoint> by_length(const Target& target, int most);

}  // namespace toptheta::page
