#include "calibration/joint_sink.hpp"

#include <algorithm>

namespace toptheta {

namespace {

// Floats per tile of rows that goes to both sinks: half a second-level cache. A tile has at least one row.
constexpr std::int64_t kTileFloats = std::int64_t{64} * 1024;

}  // namespace

void JointSink::add(const RowBlock& block) {
  std::vector<RowRange> ranges;
  std::vector<double> exp_sums;
  std::size_t first = 0;
  while (first < block.lengths.size()) {
    std::int64_t floats = block.lengths[first];
    std::size_t end = first + 1;
    while (end < block.lengths.size() && (floats += block.lengths[end]) <= kTileFloats)
      ++end;
    RowBlock tile = block;
    tile.scores = block.scores + static_cast<std::int64_t>(first) * block.stride;
    tile.lengths = block.lengths.subspan(first, end - first);
    if (!block.ranges.empty()) tile.ranges = block.ranges.subspan(first, end - first);
    if (!block.first_keys.empty()) tile.first_keys = block.first_keys.subspan(first, end - first);
    tile.next = {};
    ranges.resize(tile.lengths.size());
    if (thresholds_.options().row_content == Placement::pre_softmax) exp_sums.resize(tile.lengths.size());
    curves_.add(tile, ranges, exp_sums);
    tile.ranges = ranges;
    tile.exp_sums = exp_sums;
    thresholds_.add(tile);
    first = end;
  }
}

}  // namespace toptheta
