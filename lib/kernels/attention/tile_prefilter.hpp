// What a tile of keys need not be read for, under thresholds that are known before the scan (docs/method.md,
// "Skipping before reading"): parts of attend_tile.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

inline constexpr std::uint32_t kAllPages = (std::uint32_t{1} << (kTileKeys / kPageKeys)) - 1;

// Bit p is set where page p may hold a key above the threshold of some row, by the tile's bounds.
std::uint32_t live_pages(const AttentionTile& tile, TileScratch& scratch);

// Neighbouring blocks of keys of which all or none are live.
struct BlockRun {
  std::int64_t first = 0;
  std::int64_t last = 0;
  bool live = false;
};
// The runs that `blocks` blocks of a tile fall into.
class BlockRuns {
 public:
  BlockRuns(std::uint32_t live, std::int64_t blocks);
  [[nodiscard]] const BlockRun* begin() const { return runs_; }
  [[nodiscard]] const BlockRun* end() const { return runs_ + count_; }

 private:
  BlockRun runs_[kTileKeys / kPageKeys];
  std::int64_t count_ = 0;
};
inline BlockRuns runs_of_pages(std::uint32_t live, std::int64_t blocks) {
  return {live, blocks};
}

// Scores in full only the keys of live pages that the tile's codes leave as candidates, and adds the kept to
// the rows' states; false, and nothing done, where the candidates are too many for that to pay.
bool attend_candidates(const AttentionTile& tile, std::uint32_t live, const TileSums& sums,
                       TileScratch& scratch);

}  // namespace toptheta
