#include "kernels/attention/tile_prefilter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace toptheta {

namespace {
constexpr std::int64_t kPageBlocks = kPageKeys / kKeyBlock;
}  // namespace

// A page is live unless, for every row, the largest score that its bounds allow is at or below the threshold.
// That score is q+ . largest + q- . smallest, plus slack for the rounding of it and of the scores.
std::uint32_t live_pages(const AttentionTile& t, TileScratch& scratch) {
  const TileBounds& bounds = *t.index.bounds;
  const auto size = static_cast<std::size_t>(t.rows * t.head_dim);
  if (scratch.parts.size() < 2 * size) scratch.parts.resize(2 * size);
  float* const positive = scratch.parts.data();
  float* const negative = positive + size;
  float sums[kTileRows];
  for (std::int64_t r = 0; r < t.rows; ++r) {
    float sum = 0;
    for (std::int64_t i = 0; i < t.head_dim; ++i) {
      const float x = t.queries.row(r)[i];
      positive[r * t.head_dim + i] = std::max(x, 0.0F);
      negative[r * t.head_dim + i] = std::min(x, 0.0F);
      sum += std::fabs(x);
    }
    sums[r] = sum;
  }
  float upper[2][kTileRows * kKeyBlock];
  score_rows(positive, t.rows, t.head_dim, bounds.largest, t.head_dim, kKeyBlock, t.scale, upper[0],
             kKeyBlock);
  score_rows(negative, t.rows, t.head_dim, bounds.smallest, t.head_dim, kKeyBlock, t.scale, upper[1],
             kKeyBlock);
  const float rounding = bounds.magnitude * t.scale * static_cast<float>(6 * t.head_dim + 32) * 0x1p-24F;
  std::uint32_t live = 0;
  for (std::int64_t r = 0; r < t.rows; ++r)
    for (std::int64_t p = 0; p < kKeyBlock; ++p) {
      const float bound = upper[0][r * kKeyBlock + p] + upper[1][r * kKeyBlock + p] + sums[r] * rounding;
      if (!(bound <= t.chosen->before_cap[r])) live |= 1U << p;  // NaN does not rule out a page
    }
  const std::int64_t pages = (t.num_keys + kPageKeys - 1) / kPageKeys;
  live = live >> bounds.first_page & ((std::uint32_t{1} << pages) - 1);
  scratch.pages_seen += pages;
  scratch.pages_skipped += pages - std::popcount(live);
  return live;
}

BlockRuns::BlockRuns(std::uint32_t live, std::int64_t blocks) {
  const auto is_live = [live](std::int64_t block) { return (live >> (block / kPageBlocks) & 1) != 0; };
  for (std::int64_t first = 0; first < blocks;) {
    std::int64_t last = first;
    while (last < blocks && is_live(last) == is_live(first))
      last = std::min(last + kPageBlocks, blocks);
    runs_[count_++] = {first, last, is_live(first)};
    first = last;
  }
}

}  // namespace toptheta
