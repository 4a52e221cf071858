// Prefill under running-softmax placement in one pass (docs/method.md, "Running softmax"). A tile of keys is
// decided when it is read, by the row's denominator so far, and the scores of a row are never kept beyond a
// tile.
#include <algorithm>

#include "attention/tile_pass.hpp"
#include "core/running_tiles.hpp"
#include "kernels/attention/tile_steps.hpp"

namespace toptheta {

namespace {

static_assert(kTileKeys % kRunningTile == 0, "a tile of the running softmax lies in one tile of keys");

void prepare_running(const Job& job, std::int64_t head, std::int64_t pass, PassScratch& rows) {
  for (std::int64_t r = 0; r < job.tile_rows(pass); ++r) {
    rows.rules[r] = job.rule(head, job.tile_position(pass) + r);
    rows.states[r] = {};
    rows.totals[r] = {};
  }
}

// Adds the scores of a tile to the row's denominator; returns the threshold above which scores of the tile
// are kept.
float grow(const RowRule& rule, std::span<const float> scores, RowTotal& total) {
  const float before = total.largest;
  total.largest = std::max(before, row_max(scores));
  if (before < total.largest)
    total.sum *= std::exp(static_cast<double>(before) - static_cast<double>(total.largest));
  total.sum += exp_sum(scores, total.largest);
  return score_threshold(rule.theta, total.largest, total.sum + sink_term(rule, total.largest));
}

// Adds the keys that the view shows to the rows from `first_row` on.
void attend_view(const Job& job, std::int64_t head, std::int64_t first_row, const KeyTile& keys,
                 TileCounts* counts, AttentionTile& work, PassScratch& scratch) {
  if (!show_keys(keys, scratch, work)) return;
  work.chosen.reset();
  score_keys_of(work, scratch.tile);
  const TileView& view = scratch.view;
  for (std::int64_t r = 0; r < work.rows; ++r) {
    const RowRule& rule = scratch.rules[first_row + r];
    const auto seen = static_cast<std::size_t>(view.visible[r] - view.hidden[r]);
    float& theta = scratch.theta[first_row + r];
    const bool dense = rule.selection == Selection::dense;
    theta = dense ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity();
    if (dense || seen == 0) continue;
    const float* const scores = scratch.tile.scores + r * TileScratch::kStride + view.hidden[r];
    theta = grow(rule, {scores, seen}, scratch.totals[first_row + r]);
  }
  work.chosen = TileThresholds{.theta = scratch.theta + first_row};
  TileSums sums{scratch.states + first_row, scratch.out.data() + first_row * job.head_dim()};
  if (counts != nullptr) sums.kept_union = counts->bits(head % job.group_heads()).data() + view.first / 64;
  attend_scored(work, sums, scratch.tile);
}

// The tile of the first key that a row of the pass sees; the row visits it before all others.
std::int64_t first_tile(const Job& job, std::int64_t pass, std::int64_t row) {
  return job.first_key(job.tile_position(pass) + row) / kRunningTile;
}

// Attends one tile of the running softmax: for those rows of the pass whose first tile it is, or for all
// others.
void attend_running_tile(const Job& job, std::int64_t head, std::int64_t pass, std::int64_t tile, bool first,
                         const KeyTile& keys, TileCounts* counts, PassScratch& scratch) {
  const std::int64_t begin = tile * kRunningTile;
  for (std::int64_t first_row = 0; first_row < job.tile_rows(pass); first_row += kTileRows) {
    AttentionTile work = row_tile(job, pass, first_row, scratch);
    const auto seen = [&](std::int64_t r) {
      const std::int64_t position = job.tile_position(pass) + first_row + r;
      if ((first_tile(job, pass, first_row + r) == tile) != first) return KeyRange{};
      return KeyRange{std::max(job.first_key(position), begin), std::min(position + 1, begin + kRunningTile)};
    };
    view_tile(begin, work.rows, seen, scratch.view);
    attend_view(job, head, first_row, keys, counts, work, scratch);
  }
}

void attend_running_keys(const Job& job, std::int64_t head, std::int64_t pass, TileCounts* counts,
                         PassScratch& scratch) {
  prepare_running(job, head, pass, scratch);
  const std::int64_t kv_head = head / job.group_heads();
  constexpr std::int64_t kTogether = kTileKeys / kRunningTile;
  const std::int64_t rows = job.tile_rows(pass);
  const std::int64_t first = first_tile(job, pass, 0);
  const std::int64_t last_first = first_tile(job, pass, rows - 1);
  KeyTile keys;
  std::int64_t held = -1;  // which tile of keys `keys` holds
  const auto visit = [&](std::int64_t tile, bool as_first) {
    if (held != tile / kTogether) {
      held = tile / kTogether;
      keys = key_tile(job, kv_head, pass, held * kTileKeys, scratch);
    }
    attend_running_tile(job, head, pass, tile, as_first, keys, counts, scratch);
  };
  for (std::int64_t tile = first; tile <= last_first; ++tile)
    visit(tile, true);
  for (std::int64_t tile = (job.tile_keys(pass) - 1) / kRunningTile; tile > first; --tile)
    visit(tile, false);
}

HeadCount finish_running(const Job& job, std::int64_t pass, std::int64_t row, const PassScratch& scratch,
                         std::span<float> out) {
  const RowRule& rule = scratch.rules[row];
  const std::int64_t n = job.row_length(job.tile_position(pass) + row);
  const std::span<const double> value_sum = scratch.value_sum(job, row);
  if (rule.selection == Selection::dense)
    return finish_row(rule, n, scratch.states[row], job.lost_mass(), value_sum, out);
  return finish_weights(rule, n, scratch.states[row], scratch.totals[row], job.want_lost_mass(), value_sum,
                        out);
}

}  // namespace

void attend_by_running_tiles(const Job& job) {
  attend_in_passes(job, attend_running_keys, finish_running);
}

}  // namespace toptheta
