// The general path: full rows of scores, row by row.
#include <algorithm>
#include <numeric>

#include "attention/job.hpp"
#include "core/parallel.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

namespace {

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

void mark_kept(const RowOutcome& outcome, const RowScratch& scratch, std::int64_t first_key,
               std::span<std::uint64_t> bits) {
  for (std::int64_t j = 0; j < outcome.kept; ++j) {
    const std::int64_t key = outcome.all_kept ? j : scratch.indices[static_cast<std::size_t>(j)];
    const auto position = static_cast<std::size_t>(first_key + key);
    bits[position / 64] |= std::uint64_t{1} << (position % 64);
  }
}

// out = sum of w V, plus the lost weight times the mean of V under VMC. values: from the first key that the
// row sees on; value_sum: over the n keys that it sees.
void write_output(const RowOutcome& outcome, const RowRule& rule, const RowScratch& scratch,
                  const float* values, std::int64_t n, std::span<const double> value_sum, float* out) {
  const auto dim = static_cast<std::int64_t>(value_sum.size());
  std::fill_n(out, dim, 0.0F);
  const std::span<const float> weights(scratch.weights.data(), static_cast<std::size_t>(outcome.kept));
  if (outcome.all_kept) {
    add_weighted_rows(weights, values, dim, out);
    return;
  }
  const std::span<const std::int32_t> indices(scratch.indices.data(), weights.size());
  add_weighted_rows_at(weights, indices, values, dim, out);
  if (!rule.vmc) return;
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double share = (1 - outcome.sink_share - total) / static_cast<double>(n);
  for (std::size_t i = 0; i < value_sum.size(); ++i)
    out[i] += static_cast<float>(share * value_sum[i]);
}

// The scores of a tile's rows for the keys that some of them see, from the first key of a block on.
struct TileScores {
  std::int64_t first = 0;   // position of the first key
  std::int64_t stride = 0;  // from one row to the next

  [[nodiscard]] std::span<const float> of_row(const Job& job, std::int64_t r, std::int64_t position,
                                              const std::vector<float>& scores) const {
    return {scores.data() + r * stride + job.first_key(position) - first,
            static_cast<std::size_t>(job.row_length(position))};
  }
};

TileScores score_tile_of_rows(const Job& job, std::int64_t head, std::int64_t tile,
                              std::vector<float>& scores) {
  const std::int64_t first = job.tile_first_key(tile) / kKeyBlock * kKeyBlock;
  const std::int64_t rows = job.tile_rows(tile);
  const std::int64_t stride = round_up(job.tile_keys(tile) - first, kKeyBlock);
  if (scores.size() < static_cast<std::size_t>(rows * stride))
    scores.resize(static_cast<std::size_t>(rows * stride));
  score_keys(job, {.kv_head = head / job.group_heads(),
                   .first = first,
                   .count = job.tile_keys(tile) - first,
                   .q = job.call.q + job.row_offset(job.first_row(tile), head),
                   .rows = rows,
                   .q_stride = job.row_stride(),
                   .scale = job.call.scale,
                   .scores = scores.data(),
                   .score_stride = stride});
  return {first, stride};
}

// Attends one tile of rows of one query head. values: from position `first_value` on.
void attend_tile(const Job& job, std::int64_t head, std::int64_t tile, std::span<const double> value_sums,
                 const float* values, std::int64_t first_value, TileCounts& counts, RowScratch& scratch) {
  const TileScores tile_scores = score_tile_of_rows(job, head, tile, scratch.scores);
  const auto dim = static_cast<std::size_t>(job.head_dim());
  for (std::int64_t r = 0; r < job.tile_rows(tile); ++r) {
    const std::int64_t position = job.tile_position(tile) + r;
    const std::int64_t n = job.row_length(position);
    const RowRule rule = job.rule(head, position);
    const std::span<const float> scores = tile_scores.of_row(job, r, position, scratch.scores);
    const RowOutcome outcome =
        select_and_weigh(scores, rule, job.first_key(position), job.want_lost_mass(), scratch);
    const float* const seen = values + (job.first_key(position) - first_value) * job.head_dim();
    write_output(outcome, rule, scratch, seen, n, value_sums.subspan(static_cast<std::size_t>(r) * dim, dim),
                 job.call.out + job.row_offset(job.first_row(tile) + r, head));
    if (job.listeners.counts == nullptr) continue;
    mark_kept(outcome, scratch, job.first_key(position), counts.bits(head % job.group_heads()));
    counts.rows.push_back(
        {1, n, outcome.kept, std::min(n, rule.k), job.want_lost_mass() ? outcome.lost_mass : 0});
  }
}

void attend_group_tile(const Job& job, std::int64_t kv_head, std::int64_t tile, TileCounts& counts) {
  thread_local RowScratch scratch;
  counts.reset(job.group_heads(), job.tile_keys(tile));
  thread_local std::vector<double> value_sums;
  tile_value_sums(job, kv_head, tile, value_sums);
  thread_local std::vector<float> wide_values;
  const std::int64_t first = job.tile_first_key(tile);
  const float* const values =
      job.cache.wide_values(job.call.layer, kv_head, first, job.tile_keys(tile) - first, wide_values);
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_tile(job, kv_head * job.group_heads() + h, tile, value_sums, values, first, counts, scratch);
}

}  // namespace

void attend_by_rows(const Job& call) {
  Job job = call;
  job.choose_row_tile(job.row_tile);
  const std::int64_t tiles = job.tiles();
  const std::int64_t groups = job.shape().num_kv_heads;
  std::vector<TileCounts> counts(static_cast<std::size_t>(groups * tiles));
  const auto run = [&](std::int64_t group, std::int64_t tile) {
    attend_group_tile(job, group, tile, counts[static_cast<std::size_t>(group * tiles + tile)]);
  };
  parallel_for(groups * tiles, [&](std::int64_t i) { run(i / tiles, i % tiles); });
  if (job.listeners.counts != nullptr) report_counts(job, counts);
}

namespace {

// Sends the rows of a tile to the listener. Where a window makes rows begin at different keys, each row is
// moved to the beginning of its memory.
void show_tile(const Job& job, std::int64_t head, std::int64_t tile) {
  thread_local std::vector<float> scores;
  thread_local std::vector<std::int32_t> lengths;
  thread_local std::vector<std::int32_t> first_keys;
  const TileScores of_tile = score_tile_of_rows(job, head, tile, scores);
  lengths.clear();
  first_keys.clear();
  for (std::int64_t r = 0; r < job.tile_rows(tile); ++r) {
    const std::int64_t position = job.tile_position(tile) + r;
    const std::span<const float> row = of_tile.of_row(job, r, position, scores);
    std::copy(row.begin(), row.end(), scores.begin() + r * of_tile.stride);
    lengths.push_back(static_cast<std::int32_t>(row.size()));
    first_keys.push_back(static_cast<std::int32_t>(job.first_key(position)));
  }
  job.listeners.scores->add({.layer = job.call.layer,
                             .head = head,
                             .scores = scores.data(),
                             .stride = of_tile.stride,
                             .lengths = lengths,
                             .first_keys = first_keys,
                             .sink = job.sink(head)});
}

}  // namespace

void observe_scores(const Job& job) {
  // A listener receives the rows of a head in order.
  parallel_for(job.shape().num_kv_heads, [&](std::int64_t kv_head) {
    for (std::int64_t i = 0; i < job.group_heads() * job.tiles(); ++i)
      show_tile(job, kv_head * job.group_heads() + i / job.tiles(), i % job.tiles());
  });
}

}  // namespace toptheta
