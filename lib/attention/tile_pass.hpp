// What the paths through attend() share that move rows along tiles of keys: a pass of some tiles of rows, the
// keys that it reads, and the loop over all passes. Internal to lib/attention.
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "attention/job.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

// A pass moves several tiles of rows along the tiles of keys together, so that a tile of K and V comes from
// memory, or from the last-level cache, once for all of them.
inline constexpr std::int64_t kPassTiles = 4;
inline constexpr std::int64_t kPassRows = kPassTiles * kTileRows;

// The keys that a row has dropped so far under running-softmax placement with calibrated SDC.
struct DroppedKeys {
  float shift = -std::numeric_limits<float>::infinity();  // the score to which the sums are relative
  double sum =
      0;  // what the denominator has for them: of tiles that were read, their exponentials; else estimates
  double read = 0;  // the sum of their exponentials; only where that is wanted
};

// Working memory of a thread, reused from pass to pass.
struct PassScratch {
  TileScratch tile;
  QueryCodes codes[kPassTiles];
  // [kPassRows][head_dim] q, contiguous: in the call, the rows of a head lie apart by the size of all heads,
  // which may put them all into a few sets of the first-level cache.
  std::vector<float> q;
  std::vector<std::uint16_t> q_bf16;  // the same in bfloat16, where the cache rounds queries
  std::vector<float> out;             // [kPassRows][head_dim]
  std::vector<double> value_sums;     // [kPassRows][head_dim], only under VMC
  std::vector<float> wide_keys;       // [kTileKeys * head_dim] where the cache holds 16 or 8 bits
  std::vector<float> wide_values;
  // The rows of a pass for one head.
  RowRule rules[kPassRows];
  float theta[kPassRows];  // -infinity where everything is kept
  float theta_before_cap[kPassRows];
  RowState states[kPassRows];
  RowTotal totals[kPassRows];      // running-softmax placement: over the tiles visited so far
  DroppedKeys dropped[kPassRows];  // the same with calibrated SDC
  TileView view;

  // The sum of V over the keys that a row of the pass sees; empty unless the policy uses VMC.
  [[nodiscard]] std::span<const double> value_sum(const Job& job, std::int64_t row) const {
    if (!job.policy.policy().vmc) return {};
    const auto width = static_cast<std::size_t>(job.head_dim());
    return std::span<const double>(value_sums).subspan(static_cast<std::size_t>(row) * width, width);
  }
};

// A tile of keys from the first that a row of the pass sees on, rounded down to whole words of marks.
struct KeyTile {
  std::int64_t first = 0;
  TileKeys keys{};  // bfloat16 where queries are rounded too, otherwise floats
  const float* values = nullptr;

  // The keys from position `skip` of the tile on.
  [[nodiscard]] TileKeys keys_from(std::int64_t skip, std::int64_t head_dim) const {
    if (const auto* const narrow = std::get_if<NarrowKeys>(&keys)) return narrow->from(skip, head_dim);
    return std::get<const float*>(keys) + skip * head_dim;
  }
};

// The tile that begins at `tile_first`, a multiple of kTileKeys. Valid until the next call.
KeyTile key_tile(const Job& job, std::int64_t kv_head, std::int64_t pass, std::int64_t tile_first,
                 PassScratch& scratch);

// The rows of a pass from `first_row` on, without keys.
AttentionTile row_tile(const Job& job, std::int64_t pass, std::int64_t first_row, const PassScratch& scratch);

// Sets in `work`, a row_tile(), the keys that scratch.view shows; returns false where there are none.
bool show_keys(const KeyTile& keys, const PassScratch& scratch, AttentionTile& work);

// What a path does with the rows of a pass for one head: starting from the queries in the scratch and `out`
// filled with zeros, it computes the sums in `out`.
using AttendKeys = void (*)(const Job& job, std::int64_t head, std::int64_t pass, TileCounts* counts,
                            PassScratch& scratch);
// What it then does with each row, whose sums are in `out`. Returns the row's count.
using FinishRow = HeadCount (*)(const Job& job, std::int64_t pass, std::int64_t row,
                                const PassScratch& scratch, std::span<float> out);

// Computes all rows of the call, in parallel over KV heads and passes.
void attend_in_passes(const Job& call, AttendKeys attend_keys, FinishRow finish);

}  // namespace toptheta
