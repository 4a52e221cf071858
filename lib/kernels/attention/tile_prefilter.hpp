// Parts of attend_tile() that avoid reading keys, where thresholds are known before the scan (docs/method.md,
// "Skipping before reading").
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

inline constexpr std::uint32_t kAllPages = (std::uint32_t{1} << (kTileKeys / kPageKeys)) - 1;

// Bit p is set where page p may hold a key above the threshold of some row, according to the tile's bounds.
std::uint32_t live_pages(const AttentionTile& tile, TileScratch& scratch);

// A run of neighbouring blocks of keys, all of which are live or none.
struct BlockRun {
  std::int64_t first = 0;
  std::int64_t last = 0;
  bool live = false;
};
// The runs into which the first `blocks` blocks of a tile fall.
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

// Computes full scores only for those keys of live pages that remain candidates by their codes, and adds what
// is kept to the rows' states. Returns false without doing so where too many candidates remain for that to be
// faster.
bool attend_candidates(const AttentionTile& tile, std::uint32_t live, const TileSums& sums,
                       TileScratch& scratch);

}  // namespace toptheta
