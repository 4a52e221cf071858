// Policies that need a whole row before they know what to keep. For a few rows at a time: full rows of
// scores, a list of kept positions for each row, and then V, one tile at a time for all of them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/finish_row.hpp"
#include "attention/job.hpp"
#include "core/parallel.hpp"
#include "kernels/attention/score_rows.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kListRows = 24;  // with 8k keys their scores take 0.8 MB

// A row after selection.
struct ListedRow {
  RowRule rule;
  std::int64_t n = 0;
  std::int64_t first_key = 0;
  RowScratch lists;  // indices and scores of the kept keys
  std::int64_t kept = 0;
  std::int64_t next = 0;  // the first kept key whose V has not been added yet
  RowTotal total;         // the sum only where it is needed
  double read_sum = 0;    // of all scores, where calibrated SDC estimates the total under a running softmax
  RowState state;
};

struct Scratch {
  std::vector<float> q;       // [kListRows][head_dim]
  std::vector<float> scores;  // [rows][stride]
  std::vector<ListedRow> rows = std::vector<ListedRow>(kListRows);
  std::vector<float> out;  // [rows][head_dim]
  std::vector<double> value_sums;
  std::vector<float> wide;  // a tile of values, where the cache holds 16 or 8 bits
};

// Rows that share keys: several positions of one head, or one position of several heads of a group.
struct Panel {
  std::int64_t first_row = 0;  // of the call
  std::int64_t first_head = 0;
  std::int64_t count = 0;
  bool heads = false;  // one position, several heads

  [[nodiscard]] std::int64_t row(std::int64_t i) const { return heads ? first_row : first_row + i; }
  [[nodiscard]] std::int64_t head(std::int64_t i) const { return heads ? first_head + i : first_head; }
};

void keep_all(std::span<const float> scores, ListedRow& row) {
  row.kept = static_cast<std::int64_t>(scores.size());
  std::iota(row.lists.indices.begin(), row.lists.indices.begin() + row.kept,
            static_cast<std::int32_t>(row.first_key));
  std::copy(scores.begin(), scores.end(), row.lists.weights.begin());
}

// Sets the thresholds of a row whose denominator calibrated SDC estimates, and the total that results.
void estimate_total(std::span<const float> scores, ListedRow& row) {
  const double log_sum = estimated_thresholds(scores, row.rule, row.first_key, row.lists.thresholds);
  row.read_sum = row.total.sum;
  row.total.sum =
      std::exp(log_sum - static_cast<double>(row.total.largest)) - sink_term(row.rule, row.total.largest);
}

void select(std::span<const float> scores, bool want_lost_mass, ListedRow& row) {
  const std::size_t room = scores.size() + static_cast<std::size_t>(kKeyBlock);
  if (row.lists.weights.size() < room) row.lists.weights.resize(room);
  if (row.lists.indices.size() < room) row.lists.indices.resize(room);
  const bool post = row.rule.placement != Placement::pre_softmax;
  row.next = 0;
  row.state = {};
  row.total.sum = 0;
  if (row.rule.selection == Selection::dense) return keep_all(scores, row);
  row.total.largest = row_max(scores);
  if (post || want_lost_mass || row.rule.sdc == Sdc::exact)
    row.total.sum = dropped_sum(scores, row.total.largest);  // no score is above the largest
  RowRule by_score = row.rule;
  const double denominator = row.total.sum + sink_term(row.rule, row.total.largest);
  if (row.rule.placement == Placement::post_softmax)
    by_score.theta = score_threshold(row.rule.theta, row.total.largest, denominator);
  if (row.rule.estimates_denominator())
    estimate_total(scores, row);
  else if (row.rule.placement == Placement::running_softmax)
    running_thresholds(scores, row.rule, row.first_key, row.total.largest, denominator, row.lists.thresholds);
  row.kept = select_scores(scores, by_score, row.first_key, row.lists);
  for (std::int64_t j = 0; j < row.kept && row.first_key > 0; ++j)
    row.lists.indices[static_cast<std::size_t>(j)] += static_cast<std::int32_t>(row.first_key);
}

// Adds the V rows of a row's kept keys within a tile, which begins at position tile_first.
void add_values(const float* values, std::int64_t head_dim, std::int64_t tile_first, ListedRow& row,
                float* out) {
  const std::int64_t last = std::min(tile_first + kTileKeys, row.first_key + row.n);
  const auto begin = row.lists.indices.begin();
  const std::int64_t end = std::lower_bound(begin + row.next, begin + row.kept, last) - begin;
  if (end == row.next) return;
  attend_listed({.scores = row.lists.weights.data() + row.next,
                 .indices = row.lists.indices.data() + row.next,
                 .count = end - row.next,
                 .theta = row.lists.theta,
                 .first = tile_first,
                 .visible = last - tile_first,
                 .hidden = std::max<std::int64_t>(row.first_key - tile_first, 0),
                 .values = values,
                 .head_dim = head_dim},
                row.state, out);
  row.next = end;
}

// No score is above the threshold.
HeadCount finish_nothing(const ListedRow& row, bool want_lost_mass, std::span<const double> value_sum,
                         std::span<float> out) {
  RowState state = row.state;
  state.dropped_sum =
      row.total.sum * std::exp(static_cast<double>(row.total.largest) - static_cast<double>(row.rule.theta));
  return finish_row(row.rule, row.n, state, want_lost_mass ? LostMass::summed : LostMass::none, value_sum,
                    out);
}

// The sum over the dropped keys of a row whose denominator was estimated.
RowTotal read_dropped(const ListedRow& row) {
  const float largest = row.total.largest;
  return {largest, row.read_sum - kept_sum_relative_to(row.state, largest)};
}

HeadCount finish(const ListedRow& row, bool want_lost_mass, std::span<const double> value_sum,
                 std::span<float> out) {
  const RowRule& rule = row.rule;
  if (rule.selection == Selection::dense)
    return finish_row(rule, row.n, row.state, want_lost_mass ? LostMass::summed : LostMass::none, value_sum,
                      out);
  if (rule.placement != Placement::pre_softmax) {
    HeadCount count = finish_weights(rule, row.n, row.state, row.total, want_lost_mass, value_sum, out);
    if (want_lost_mass && rule.estimates_denominator())
      count.lost_mass = lost_share(rule, row.state, read_dropped(row));
    return count;
  }
  if (row.kept == 0) return finish_nothing(row, want_lost_mass, value_sum, out);
  // Sums over the kept keys are relative to their own largest score, compensation to the row's; under cap-k
  // these differ.
  const RowTotal& total = row.total;
  const double to_row = std::exp(static_cast<double>(row.state.shift) - static_cast<double>(total.largest));
  const double kept_sum = row.state.kept_sum * to_row;
  const double sink = sink_term(rule, total.largest);
  const double dropped = static_cast<double>(row.n - row.kept);
  const double gamma = static_cast<double>(rule.sdc_scale);
  double denominator = kept_sum + sink;
  if (rule.sdc == Sdc::exact) denominator += gamma * std::max(total.sum - kept_sum, 0.0);
  if (rule.sdc == Sdc::offline)
    denominator += gamma * static_cast<double>(rule.sdc_m) * offline_scale(rule, total.largest);
  if ((rule.sdc == Sdc::exp_threshold || rule.sdc == Sdc::calibrated) && dropped > 0)
    denominator += gamma * rho_of(rule, row.kept) * dropped *
                   std::exp(static_cast<double>(rule.theta) - static_cast<double>(total.largest));
  // cap-k may keep only keys so far below the largest that their exponentials vanish.
  const double factor = denominator > 0 ? 1 / denominator : 0;
  scale_and_compensate(rule, row.n, to_row * factor, (kept_sum + sink) * factor, value_sum, out);
  const double lost = want_lost_mass ? std::max((total.sum - kept_sum) / (total.sum + sink), 0.0) : 0;
  return {1, row.n, row.kept, std::min(row.n, rule.k), lost};
}

void mark_kept(const ListedRow& row, std::span<std::uint64_t> bits) {
  for (std::int64_t j = 0; j < row.kept; ++j) {
    const auto position = static_cast<std::size_t>(row.lists.indices[static_cast<std::size_t>(j)]);
    bits[position / 64] |= std::uint64_t{1} << (position % 64);
  }
}

void attend_panel(const Job& job, const Panel& panel, TileCounts* counts, Scratch& scratch) {
  const std::int64_t dim = job.head_dim();
  const auto width = static_cast<std::size_t>(dim);
  const std::int64_t kv_head = panel.first_head / job.group_heads();
  const std::int64_t keys = job.call.first_position + panel.row(panel.count - 1) + 1;
  // The first key that some row sees, rounded down to whole blocks, and the tile that contains it.
  const std::int64_t first_seen =
      job.first_key(job.call.first_position + panel.row(0)) / kKeyBlock * kKeyBlock;
  const std::int64_t first_tile = first_seen / kTileKeys * kTileKeys;
  const std::int64_t stride = (keys - first_seen + kKeyBlock - 1) / kKeyBlock * kKeyBlock + kKeyBlock;
  const auto need = static_cast<std::size_t>(panel.count * stride);
  if (scratch.scores.size() < need) scratch.scores.resize(need);
  // Contiguous, because rows that lie apart by the size of all heads may share a few sets of the first-level
  // cache.
  scratch.q.resize(static_cast<std::size_t>(kListRows) * width);
  for (std::int64_t i = 0; i < panel.count; ++i)
    job.copy_query(panel.row(i), panel.head(i), scratch.q.data() + i * dim);
  for (std::int64_t tile = first_tile; tile < keys; tile += kTileKeys) {
    const std::int64_t first = std::max(tile, first_seen);
    score_keys(job, {.kv_head = kv_head,
                     .first = first,
                     .count = std::min(tile + kTileKeys, keys) - first,
                     .q = scratch.q.data(),
                     .rows = panel.count,
                     .q_stride = dim,
                     .scale = job.score_scale(),
                     .scores = scratch.scores.data() + (first - first_seen),
                     .score_stride = stride});
  }
  scratch.out.assign(static_cast<std::size_t>(panel.count) * width, 0);
  for (std::int64_t i = 0; i < panel.count; ++i) {
    ListedRow& row = scratch.rows[static_cast<std::size_t>(i)];
    const std::int64_t position = job.call.first_position + panel.row(i);
    row.n = job.row_length(position);
    row.first_key = job.first_key(position);
    row.rule = job.rule(panel.head(i), position);
    select(
        {scratch.scores.data() + i * stride + (row.first_key - first_seen), static_cast<std::size_t>(row.n)},
        job.want_lost_mass(), row);
    if (counts != nullptr) mark_kept(row, counts->bits(panel.head(i) % job.group_heads()));
  }
  for (std::int64_t first = first_tile; first < keys; first += kTileKeys) {
    const float* const values = job.cache.wide_values(job.call.layer, kv_head, first,
                                                      std::min(kTileKeys, keys - first), scratch.wide);
    for (std::int64_t i = 0; i < panel.count; ++i)
      add_values(values, dim, first, scratch.rows[static_cast<std::size_t>(i)], scratch.out.data() + i * dim);
  }
  for (std::int64_t i = 0; i < panel.count; ++i) {
    float* const out = job.call.out + job.row_offset(panel.row(i), panel.head(i));
    std::copy_n(scratch.out.begin() + i * dim, dim, out);
    std::span<const double> value_sum;
    if (job.policy.policy().vmc)
      value_sum = std::span<const double>(scratch.value_sums)
                      .subspan(static_cast<std::size_t>(panel.heads ? 0 : i) * width, width);
    const HeadCount count =
        finish(scratch.rows[static_cast<std::size_t>(i)], job.want_lost_mass(), value_sum, {out, width});
    if (counts != nullptr) counts->rows.push_back(count);
  }
}

void attend_group_tile(const Job& job, std::int64_t kv_head, std::int64_t tile, TileCounts* counts) {
  thread_local Scratch scratch;
  if (job.policy.policy().vmc) tile_value_sums(job, kv_head, tile, scratch.value_sums);
  if (counts != nullptr) counts->reset(job.group_heads(), job.tile_keys(tile));
  const std::int64_t rows = job.tile_rows(tile);
  const std::int64_t first_head = kv_head * job.group_heads();
  if (rows == 1) {
    for (std::int64_t h = 0; h < job.group_heads(); h += kListRows)
      attend_panel(job,
                   {job.first_row(tile), first_head + h, std::min(kListRows, job.group_heads() - h), true},
                   counts, scratch);
    return;
  }
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_panel(job, {job.first_row(tile), first_head + h, rows, false}, counts, scratch);
}

}  // namespace

void attend_by_lists(const Job& call) {
  Job job = call;
  job.choose_row_tile(kListRows);
  const std::int64_t tiles = job.tiles();
  const std::int64_t groups = job.shape().num_kv_heads;
  const bool counting = job.listeners.counts != nullptr;
  std::vector<TileCounts> counts(counting ? static_cast<std::size_t>(groups * tiles) : 0);
  parallel_for(groups * tiles, [&](std::int64_t i) {  // the longest rows first
    const std::int64_t group = i % groups;
    const std::int64_t tile = tiles - 1 - i / groups;
    attend_group_tile(job, group, tile,
                      counting ? &counts[static_cast<std::size_t>(group * tiles + tile)] : nullptr);
  });
  if (counting) report_counts(job, counts);
}

}  // namespace toptheta
