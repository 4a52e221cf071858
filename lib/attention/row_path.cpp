// The general way: full rows of scores, row by row.
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

void mark_kept(const RowOutcome& outcome, const RowScratch& scratch, std::vector<std::uint64_t>& bits) {
  const auto kept = static_cast<std::size_t>(outcome.kept);
  if (outcome.all_kept) {
    std::fill_n(bits.begin(), kept / 64, ~std::uint64_t{0});
    if (kept % 64 != 0) bits[kept / 64] |= (std::uint64_t{1} << (kept % 64)) - 1;
    return;
  }
  for (std::size_t j = 0; j < kept; ++j) {
    const auto position = static_cast<std::size_t>(scratch.indices[j]);
    bits[position / 64] |= std::uint64_t{1} << (position % 64);
  }
}

// out = sum of w V, plus the lost weight times the causal mean of V under VMC. value_sum: V_0 + ... +
// V_{n-1}.
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
  const double share = (1 - total) / static_cast<double>(n);
  for (std::size_t i = 0; i < value_sum.size(); ++i)
    out[i] += static_cast<float>(share * value_sum[i]);
}

// One query head, one tile of rows.
void attend_tile(const Job& job, std::int64_t head, std::int64_t tile, std::span<const double> value_sums,
                 const float* keys, const float* values, TileCounts& counts, RowScratch& scratch) {
  const ModelShape& shape = job.shape();
  const std::int64_t rows = job.tile_rows(tile);
  const std::int64_t first_row = tile * job.row_tile;
  const std::int64_t stride = round_up(job.tile_keys(tile), kKeyBlock);
  const std::int64_t q_stride = shape.num_heads * shape.head_dim;
  const auto dim = static_cast<std::size_t>(shape.head_dim);
  const auto offset = static_cast<std::size_t>(first_row * q_stride + head * shape.head_dim);
  if (scratch.scores.size() < static_cast<std::size_t>(rows * stride))
    scratch.scores.resize(static_cast<std::size_t>(rows * stride));
  score_rows(job.call.q + offset, rows, q_stride, keys, shape.head_dim, job.tile_keys(tile), job.call.scale,
             scratch.scores.data(), stride);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t n = job.call.first_position + first_row + r + 1;
    const RowRule rule = row_rule(job.policy, job.call.layer, head, n);
    const std::span<const float> scores(scratch.scores.data() + r * stride, static_cast<std::size_t>(n));
    const RowOutcome outcome = select_and_weigh(scores, rule, job.want_lost_mass(), scratch);
    write_output(outcome, rule, scratch, values, n,
                 value_sums.subspan(static_cast<std::size_t>(r) * dim, dim),
                 job.call.out + offset + static_cast<std::size_t>(r * q_stride));
    if (job.listeners.counts == nullptr) continue;
    mark_kept(outcome, scratch, counts.kept_bits);
    counts.rows.push_back({1, n, outcome.kept, std::min(n, rule.k), outcome.lost_mass});
  }
}

void attend_group_tile(const Job& job, std::int64_t kv_head, std::int64_t tile, TileCounts& counts) {
  thread_local RowScratch scratch;
  counts.kept_bits.assign(static_cast<std::size_t>((job.tile_keys(tile) + 63) / 64), 0);
  thread_local std::vector<double> value_sums;
  tile_value_sums(job, kv_head, tile, value_sums);
  thread_local std::vector<float> wide_keys;
  thread_local std::vector<float> wide_values;
  const float* const keys = job.cache.wide_keys(job.call.layer, kv_head, 0, job.tile_keys(tile), wide_keys);
  const float* const values =
      job.cache.wide_values(job.call.layer, kv_head, 0, job.tile_keys(tile), wide_values);
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_tile(job, kv_head * job.group_heads() + h, tile, value_sums, keys, values, counts, scratch);
}

}  // namespace

void attend_by_rows(const Job& call) {
  Job job = call;
  if (job.counts_steps()) job.row_tile = 1;
  const std::int64_t tiles = job.tiles();
  const std::int64_t groups = job.shape().num_kv_heads;
  std::vector<TileCounts> counts(static_cast<std::size_t>(groups * tiles));
  const auto run = [&](std::int64_t group, std::int64_t tile) {
    attend_group_tile(job, group, tile, counts[static_cast<std::size_t>(group * tiles + tile)]);
  };
  parallel_for(groups * tiles, [&](std::int64_t i) { run(i / tiles, i % tiles); });
  if (job.listeners.counts != nullptr) report_counts(job, counts);
}

void observe_scores(const Job& job) {
  parallel_for(
      job.shape().num_kv_heads, [&](std::int64_t kv_head) {  // a sink sees the rows of a head in order
        thread_local std::vector<float> scores;
        thread_local std::vector<std::int32_t> lengths;
        for (std::int64_t i = 0; i < job.group_heads() * job.tiles(); ++i) {
          const std::int64_t head = kv_head * job.group_heads() + i / job.tiles();
          const std::int64_t tile = i % job.tiles();
          const std::int64_t rows = job.tile_rows(tile);
          const std::int64_t stride = round_up(job.tile_keys(tile), kKeyBlock);
          scores.resize(std::max(scores.size(), static_cast<std::size_t>(rows * stride)));
          score_keys(job, {.kv_head = kv_head,
                           .count = job.tile_keys(tile),
                           .q = job.call.q + job.row_offset(tile * job.row_tile, head),
                           .rows = rows,
                           .q_stride = job.row_stride(),
                           .scale = job.call.scale,
                           .scores = scores.data(),
                           .score_stride = stride});
          lengths.resize(static_cast<std::size_t>(rows));
          std::iota(lengths.begin(), lengths.end(), static_cast<std::int32_t>(job.tile_position(tile) + 1));
          job.listeners.scores->add({job.call.layer, head, scores.data(), stride, lengths});
        }
      });
}

}  // namespace toptheta
