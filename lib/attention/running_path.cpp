// Prefill under running-softmax placement in one pass (docs/method.md, "Running softmax"). A tile of keys is
// decided when it is read, by the row's denominator so far, and the scores of a row are never kept beyond a
// tile. With calibrated SDC, a tile between the two ends of a row is decided before it is read, so that a
// prefilter may rule its keys out.
#include <algorithm>

#include "attention/tile_pass.hpp"
#include "core/running_tiles.hpp"
#include "kernels/attention/tile_steps.hpp"

namespace toptheta {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

static_assert(kTileKeys % kRunningTile == 0, "a tile of the running softmax lies in one tile of keys");

void prepare_running(const Job& job, std::int64_t head, std::int64_t pass, PassScratch& rows) {
  for (std::int64_t r = 0; r < job.tile_rows(pass); ++r) {
    rows.rules[r] = job.rule(head, job.tile_position(pass) + r);
    rows.states[r] = {};
    rows.totals[r] = {};
    rows.dropped[r] = {};
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

// One head of a pass on its way along the tiles of keys.
struct RunningPass {
  const Job& job;
  std::int64_t head = 0;
  std::int64_t pass = 0;
  TileCounts* counts = nullptr;
  PassScratch& scratch;
  TilePrefilter* prefilter = nullptr;  // where calibrated SDC lets tiles be decided before they are read

  // Where the sums of the rows from `first_row` on are gathered.
  [[nodiscard]] TileSums sums(std::int64_t first_row) const {
    TileSums of_rows{scratch.states + first_row, scratch.out.data() + first_row * job.head_dim()};
    if (counts != nullptr)
      of_rows.kept_union = counts->bits(head % job.group_heads()).data() + scratch.view.first / 64;
    return of_rows;
  }
};

// Adds the keys that the view shows to the rows from `first_row` on, by thresholds that take them into
// account.
void attend_read(const RunningPass& at, std::int64_t first_row, AttentionTile& work) {
  PassScratch& scratch = at.scratch;
  work.chosen.reset();
  score_keys_of(work, scratch.tile);
  const TileView& view = scratch.view;
  for (std::int64_t r = 0; r < work.rows; ++r) {
    const RowRule& rule = scratch.rules[first_row + r];
    const auto seen = static_cast<std::size_t>(view.visible[r] - view.hidden[r]);
    float& theta = scratch.theta[first_row + r];
    const bool dense = rule.selection == Selection::dense;
    theta = dense ? -kInfinity : kInfinity;
    if (dense || seen == 0) continue;
    const float* const scores = scratch.tile.scores + r * TileScratch::kStride + view.hidden[r];
    theta = grow(rule, {scores, seen}, scratch.totals[first_row + r]);
  }
  work.chosen = TileThresholds{.theta = scratch.theta + first_row};
  attend_scored(work, at.sums(first_row), scratch.tile);
}

// Makes the sums over a row's dropped keys relative to the same score as those over its kept keys.
void join_shifts(const RowState& state, DroppedKeys& dropped) {
  if (state.kept == 0 || state.shift == dropped.shift) return;
  const double to_kept = std::exp(static_cast<double>(dropped.shift) - static_cast<double>(state.shift));
  dropped.sum *= to_kept;
  dropped.read *= to_kept;
  dropped.shift = state.shift;
}

// What is known of a row's denominator, relative to dropped.shift, without the sink.
double known_sum(const RowState& state, const DroppedKeys& dropped) {
  return (state.kept == 0 ? 0 : state.kept_sum) + dropped.sum;
}

// After a tile that was read by those rows that see some of it: what the keys sum to that they have dropped.
void note_read_tile(std::int64_t first_row, const AttentionTile& work, PassScratch& scratch) {
  for (std::int64_t r = first_row; r < first_row + work.rows; ++r) {
    if (work.seen(r - first_row) == 0) continue;
    const RowTotal& total = scratch.totals[r];
    const RowState& state = scratch.states[r];
    const double dropped = std::max(total.sum - kept_sum_relative_to(state, total.largest), 0.0);
    scratch.dropped[r] = {total.largest, dropped, dropped};
  }
}

// Sets the threshold that a row has before it sees the tile; returns what the denominator gets for each key
// that it drops, relative to dropped.shift.
double set_threshold(const RowRule& rule, const RowState& state, DroppedKeys& dropped, float& theta) {
  join_shifts(state, dropped);
  const double known = known_sum(state, dropped) + sink_term(rule, dropped.shift);
  theta = score_threshold(rule.theta, dropped.shift, known);
  return static_cast<double>(rule.sdc_scale) * static_cast<double>(rule.rho) *
         static_cast<double>(rule.theta) * known;
}

// Adds the keys that the view shows of a tile between the ends of the rows, by thresholds that are known
// before it is read.
void attend_foreseen(const RunningPass& at, std::int64_t first_row, AttentionTile& work) {
  PassScratch& scratch = at.scratch;
  const bool want_dropped = at.job.want_dropped();
  double of_each[kTileRows] = {};  // what the denominator gets for a key that is dropped
  std::int64_t kept_before[kTileRows];
  for (std::int64_t r = 0; r < work.rows; ++r) {
    RowState& state = scratch.states[first_row + r];
    const RowRule& rule = scratch.rules[first_row + r];
    float& theta = scratch.theta[first_row + r];
    theta = rule.selection == Selection::dense ? -kInfinity : kInfinity;
    if (rule.selection != Selection::dense && work.seen(r) > 0)
      of_each[r] = set_threshold(rule, state, scratch.dropped[first_row + r], theta);
    scratch.theta_before_cap[first_row + r] = at.job.theta_before_cap(theta);
    kept_before[r] = state.kept;
    state.dropped_sum = 0;
  }
  work.chosen = TileThresholds{scratch.theta + first_row, scratch.theta_before_cap + first_row, want_dropped};
  work.index = at.prefilter->index(scratch.view.first, scratch.codes[first_row / kTileRows]);
  attend_tile(work, at.sums(first_row), scratch.tile);
  for (std::int64_t r = 0; r < work.rows; ++r) {
    const RowState& state = scratch.states[first_row + r];
    const std::int64_t lost = work.seen(r) - (state.kept - kept_before[r]);
    if (lost == 0) continue;
    DroppedKeys& dropped = scratch.dropped[first_row + r];
    dropped.sum += of_each[r] * static_cast<double>(lost);
    if (want_dropped)
      dropped.read += state.dropped_sum * std::exp(static_cast<double>(scratch.theta[first_row + r]) -
                                                   static_cast<double>(dropped.shift));
  }
}

// The tile of the first key that a row of the pass sees; the row visits it before all others.
std::int64_t first_tile(const Job& job, std::int64_t pass, std::int64_t row) {
  return job.first_key(job.tile_position(pass) + row) / kRunningTile;
}

// What a tile is to a row: the one that it visits before all others, its own, or one between them.
enum class TileRole { first, own, between };

TileRole role_of(const Job& job, std::int64_t pass, std::int64_t row, std::int64_t tile) {
  if (first_tile(job, pass, row) == tile) return TileRole::first;
  return (job.tile_position(pass) + row) / kRunningTile == tile ? TileRole::own : TileRole::between;
}

// Attends one tile of the running softmax, for those rows of the pass to which it is this.
void attend_running_tile(const RunningPass& at, std::int64_t tile, TileRole role, const KeyTile& keys) {
  const Job& job = at.job;
  const std::int64_t begin = tile * kRunningTile;
  for (std::int64_t first_row = 0; first_row < job.tile_rows(at.pass); first_row += kTileRows) {
    AttentionTile work = row_tile(job, at.pass, first_row, at.scratch);
    const auto seen = [&](std::int64_t r) {
      const std::int64_t position = job.tile_position(at.pass) + first_row + r;
      if (role_of(job, at.pass, first_row + r, tile) != role) return KeyRange{};
      return KeyRange{std::max(job.first_key(position), begin), std::min(position + 1, begin + kRunningTile)};
    };
    view_tile(begin, work.rows, seen, at.scratch.view);
    if (!show_keys(keys, at.scratch, work)) continue;
    if (at.prefilter != nullptr && role == TileRole::between) {
      attend_foreseen(at, first_row, work);
      continue;
    }
    attend_read(at, first_row, work);
    if (at.prefilter != nullptr) note_read_tile(first_row, work, at.scratch);
  }
}

void visit_tiles(const RunningPass& at) {
  const Job& job = at.job;
  const std::int64_t kv_head = at.head / job.group_heads();
  constexpr std::int64_t kTogether = kTileKeys / kRunningTile;
  const std::int64_t first = first_tile(job, at.pass, 0);
  const std::int64_t last_first = first_tile(job, at.pass, job.tile_rows(at.pass) - 1);
  KeyTile keys;
  std::int64_t held = -1;  // which tile of keys `keys` holds
  const auto visit = [&](std::int64_t tile, TileRole role) {
    if (held != tile / kTogether) {
      held = tile / kTogether;
      keys = key_tile(job, kv_head, at.pass, held * kTileKeys, at.scratch);
    }
    attend_running_tile(at, tile, role, keys);
  };
  for (std::int64_t tile = first; tile <= last_first; ++tile)
    visit(tile, TileRole::first);
  for (std::int64_t tile = (job.tile_keys(at.pass) - 1) / kRunningTile; tile > first; --tile) {
    if (tile >= job.tile_position(at.pass) / kRunningTile) visit(tile, TileRole::own);
    visit(tile, TileRole::between);
  }
}

void attend_running_keys(const Job& job, std::int64_t head, std::int64_t pass, TileCounts* counts,
                         PassScratch& scratch) {
  prepare_running(job, head, pass, scratch);
  RunningPass at{job, head, pass, counts, scratch};
  if (job.policy.policy().sdc != Sdc::calibrated) return visit_tiles(at);
  TilePrefilter prefilter(job, head / job.group_heads(), scratch.tile);
  for (std::int64_t first_row = 0; first_row < job.tile_rows(pass); first_row += kTileRows) {
    const AttentionTile rows = row_tile(job, pass, first_row, scratch);
    prefilter.code(rows.queries, rows.rows, scratch.codes[first_row / kTileRows]);
  }
  at.prefilter = &prefilter;
  visit_tiles(at);
}

// A row whose denominator calibrated SDC has estimated.
HeadCount finish_estimated(const Job& job, std::int64_t n, std::int64_t row, const PassScratch& scratch,
                           std::span<float> out) {
  const RowRule& rule = scratch.rules[row];
  const RowState& state = scratch.states[row];
  DroppedKeys dropped = scratch.dropped[row];
  join_shifts(state, dropped);
  HeadCount count = finish_weights(rule, n, state, {dropped.shift, known_sum(state, dropped)}, false,
                                   scratch.value_sum(job, row), out);
  const LostMass wanted = job.lost_mass();
  if (wanted != LostMass::none)
    count.lost_mass =
        lost_share(rule, state, {dropped.shift, wanted == LostMass::summed ? dropped.read : dropped.sum});
  return count;
}

HeadCount finish_running(const Job& job, std::int64_t pass, std::int64_t row, const PassScratch& scratch,
                         std::span<float> out) {
  const RowRule& rule = scratch.rules[row];
  const std::int64_t n = job.row_length(job.tile_position(pass) + row);
  const std::span<const double> value_sum = scratch.value_sum(job, row);
  if (rule.selection == Selection::dense)
    return finish_row(rule, n, scratch.states[row], job.lost_mass(), value_sum, out);
  if (rule.estimates_denominator()) return finish_estimated(job, n, row, scratch, out);
  return finish_weights(rule, n, scratch.states[row], scratch.totals[row], job.want_lost_mass(), value_sum,
                        out);
}

}  // namespace

void attend_by_running_tiles(const Job& job) {
  attend_in_passes(job, attend_running_keys, finish_running);
}

}  // namespace toptheta
