// Prefill of dense attention and pre-softmax top-theta: rows move along the tiles of keys once, and only the
// sums of the rows are kept.
#include <algorithm>

#include "attention/tile_pass.hpp"

namespace toptheta {

namespace {

// Returns whether all rows keep everything.
bool prepare(const Job& job, std::int64_t head, std::int64_t pass, PassScratch& rows) {
  bool all_dense = true;
  for (std::int64_t r = 0; r < job.tile_rows(pass); ++r) {
    rows.rules[r] = job.rule(head, job.tile_position(pass) + r);
    const bool dense = rows.rules[r].selection == Selection::dense;
    rows.theta[r] = dense ? -std::numeric_limits<float>::infinity() : rows.rules[r].theta;
    rows.theta_before_cap[r] = job.theta_before_cap(rows.theta[r]);
    rows.states[r] = {};
    all_dense = all_dense && dense;
  }
  return all_dense;
}

TileThresholds thresholds_of(const Job& job, std::int64_t first_row, const PassScratch& scratch) {
  return {scratch.theta + first_row, scratch.theta_before_cap + first_row, job.want_dropped(),
          job.policy.policy().sdc == Sdc::offline};
}

// Sets what the rows of a tile, from the pass's row first_row on, see of one part of a tile of keys that
// begins at `tile_first`; false where that is nothing.
bool see_tile(const Job& job, std::int64_t pass, std::int64_t first_row, RowPart part,
              std::int64_t tile_first, const KeyTile& keys, AttentionTile& work, PassScratch& scratch) {
  const auto seen = [&](std::int64_t r) {
    return job.keys_of(scratch.rules[first_row + r], job.tile_position(pass) + first_row + r, part);
  };
  view_tile(tile_first, work.rows, seen, scratch.view);
  return show_keys(keys, scratch, work);
}

// Moves the rows of a pass along all keys that they see.
void attend_keys(const Job& job, std::int64_t head, std::int64_t pass, TileCounts* counts,
                 PassScratch& scratch) {
  const bool all_dense = prepare(job, head, pass, scratch);
  const std::int64_t kv_head = head / job.group_heads();
  const std::int64_t tiles = (job.tile_rows(pass) + kTileRows - 1) / kTileRows;
  TilePrefilter prefilter(job, kv_head, scratch.tile);
  AttentionTile works[kPassTiles];
  for (std::int64_t i = 0; i < tiles; ++i) {
    works[i] = row_tile(job, pass, i * kTileRows, scratch);
    prefilter.code(works[i].queries, works[i].rows, scratch.codes[i]);
  }
  const std::int64_t first_tile = job.tile_first_key(pass) / kTileKeys * kTileKeys;
  for (std::int64_t first = first_tile; first < job.tile_keys(pass); first += kTileKeys) {
    const KeyTile keys = key_tile(job, kv_head, pass, first, scratch);
    for (std::int64_t i = 0; i < tiles; ++i) {
      AttentionTile& work = works[i];
      TileSums sums{scratch.states + i * kTileRows, scratch.out.data() + i * kTileRows * job.head_dim()};
      for (const RowPart part : job.parts()) {
        if (!see_tile(job, pass, i * kTileRows, part, first, keys, work, scratch)) continue;
        if (counts != nullptr)
          sums.kept_union = counts->bits(head % job.group_heads()).data() + scratch.view.first / 64;
        work.chosen.reset();
        work.index = {};
        if (part == RowPart::chosen && !all_dense) {
          work.chosen = thresholds_of(job, i * kTileRows, scratch);
          work.index = prefilter.index(scratch.view.first, scratch.codes[i]);
        }
        attend_tile(work, sums, scratch.tile);
      }
    }
  }
}

HeadCount finish_tile_row(const Job& job, std::int64_t pass, std::int64_t row, const PassScratch& scratch,
                          std::span<float> out) {
  return finish_row(scratch.rules[row], job.row_length(job.tile_position(pass) + row), scratch.states[row],
                    job.lost_mass(), scratch.value_sum(job, row), out);
}

}  // namespace

void attend_by_tiles(const Job& job) {
  attend_in_passes(job, attend_keys, finish_tile_row);
}

}  // namespace toptheta
