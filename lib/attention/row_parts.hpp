// The parts of a row: the keys at its two ends that are always kept, and the keys between them, among which
// the policy chooses. Tiles of keys are attended part by part, each as if the other parts were hidden.
#pragma once
#include <algorithm>
#include <cstdint>

#include "attention/row_attention.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

enum class RowPart { first, chosen, recent };

// A range of key positions, [begin, end).
struct KeyRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// One part of a row that sees the keys `row`.
inline KeyRange part_of(const RowRule& rule, const KeyRange& row, RowPart part) {
  const std::int64_t chosen = row.begin + rule.keep_first;
  const std::int64_t recent = row.end - rule.keep_recent;
  switch (part) {
    case RowPart::first:
      return {row.begin, chosen};
    case RowPart::chosen:
      return {chosen, recent};
    case RowPart::recent:
      return {recent, row.end};
  }
  return {};
}

// What some rows see of a tile of keys, in the form that AttentionTile takes.
struct TileView {
  std::int64_t first =
      0;  // the first key that is read: the first that some row sees, rounded down to whole words of marks
  std::int64_t count = 0;  // keys up to the last that some row sees; 0: no row sees any
  std::int32_t visible[kTileRows];
  std::int32_t hidden[kTileRows];
};

// seen(r) is the range of keys that row r sees, inside or outside the tile. At most kTileRows rows.
template <class Seen>
void view_tile(std::int64_t tile_first, std::int64_t rows, const Seen& seen, TileView& view) {
  KeyRange ranges[kTileRows];
  KeyRange all{tile_first + kTileKeys, tile_first};
  for (std::int64_t r = 0; r < rows; ++r) {
    const KeyRange range = seen(r);
    ranges[r] = {std::max(range.begin, tile_first), std::min(range.end, tile_first + kTileKeys)};
    if (ranges[r].begin >= ranges[r].end) continue;
    all = {std::min(all.begin, ranges[r].begin), std::max(all.end, ranges[r].end)};
  }
  view.count = 0;
  if (all.begin >= all.end) return;
  view.first = tile_first + (all.begin - tile_first) / 64 * 64;
  view.count = all.end - view.first;
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t visible = std::clamp<std::int64_t>(ranges[r].end - view.first, 0, view.count);
    const std::int64_t hidden = std::clamp<std::int64_t>(ranges[r].begin - view.first, 0, visible);
    view.visible[r] = static_cast<std::int32_t>(visible);
    view.hidden[r] = static_cast<std::int32_t>(hidden);
  }
}

}  // namespace toptheta
