// Policies whose own code chooses from rows of scores: blocks of full rows, a set of positions for each row,
// then softmax, compensation and V over these positions.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "attention/finish_row.hpp"
#include "attention/job.hpp"
#include "attention/policies/unit.hpp"
#include "core/parallel.hpp"

namespace toptheta {

namespace {

// Rows [first, last) of a call.
struct RowRun {
  std::int64_t first = 0;
  std::int64_t last = 0;
  [[nodiscard]] std::int64_t rows() const { return last - first; }
};

// Rows that are decided together, and the runs of them that are counted together, [first_run, last_run) of a
// list.
struct Block : RowRun {
  std::size_t first_run = 0;
  std::size_t last_run = 0;
};

struct UnitScratch {
  std::vector<float> scores;  // [rows][stride]
  std::vector<std::int64_t> first_key;
  std::vector<bool> broken;  // [rows] whether a score is NaN or the largest is infinite
  std::vector<float> wide_keys;
  std::vector<float> wide_values;
  std::vector<double> value_sum;
  std::vector<double> unseen;
  KeptRows kept;
  RowScratch row;
};

// Divides rows into runs that end where positions are multiples of `size`.
std::vector<RowRun> runs_of(std::int64_t first_position, const RowRun& rows, std::int64_t size) {
  std::vector<RowRun> runs;
  for (std::int64_t at = rows.first; at < rows.last;) {
    const std::int64_t end = std::min(rows.last, at + size - (first_position + at) % size);
    runs.push_back({at, end});
    at = end;
  }
  return runs;
}

// How the rows of a call are divided.
struct Deal {
  std::vector<Block> blocks;
  std::vector<RowRun> runs;  // each within one row of the tiles that are counted
};

Deal deal_rows(const Job& job, std::int64_t block_rows) {
  const std::int64_t first = job.call.first_position;
  const bool counting = job.listeners.counts != nullptr;
  Deal deal;
  for (const RowRun& block : runs_of(first, {0, job.call.rows}, block_rows)) {
    const std::size_t before = deal.runs.size();
    for (const RowRun& run : runs_of(first, block, counting ? job.listeners.counts->tile_rows() : block_rows))
      deal.runs.push_back(run);
    deal.blocks.push_back({block, before, deal.runs.size()});
  }
  return deal;
}

// Completes what a row keeps after the RowSelector: all if it is dense, only keys that it sees, and those
// that are always kept.
void complete_row(const HeadRows& rows, std::int64_t r, const RowRule& rule, UnitScratch& scratch) {
  const std::int64_t first = rows.first(r);
  const std::int64_t end = rows.position(r) + 1;
  if (rule.selection == Selection::dense) return scratch.kept.keep(r, first, end);
  scratch.kept.drop(r, 0, first);
  scratch.kept.keep(r, first, first + rule.keep_first);
  scratch.kept.keep(r, end - rule.keep_recent, end);
}

// Lists the positions and scores of a row's kept keys; returns their number.
std::int64_t list_kept(std::span<const std::uint64_t> bits, const float* scores, RowScratch& row) {
  row.indices.clear();
  row.weights.clear();
  for (std::size_t w = 0; w < bits.size(); ++w)
    for (std::uint64_t word = bits[w]; word != 0; word &= word - 1) {
      const auto j = static_cast<std::int32_t>(w * 64) + std::countr_zero(word);
      row.indices.push_back(j);
      row.weights.push_back(scores[j]);
    }
  return static_cast<std::int64_t>(row.indices.size());
}

// The parts of a row's softmax that kept keys do not have.
struct Weighed {
  double lost_mass = 0;
  double sink_share = 0;
};

// Replaces the scores of the listed keys by their softmax weights, compensated by the rule.
Weighed weigh_listed(std::span<const float> all, const RowRule& rule, bool want_lost_mass, RowScratch& row) {
  const float m = row_max(row.weights);
  const double kept_sum = exp_in_place(row.weights, m);
  const double sink = sink_term(rule, m);
  double dropped = 0;  // relative to m, like kept_sum
  const auto n = static_cast<std::int64_t>(all.size());
  const auto kept = static_cast<std::int64_t>(row.weights.size());
  if (kept < n && (want_lost_mass || rule.sdc == Sdc::exact)) {
    // The largest score may be among the dropped; relative to it nothing overflows.
    const float largest = row_max(all);
    const double to_kept = std::exp(static_cast<double>(largest) - static_cast<double>(m));
    dropped = std::max(exp_sum(all, largest) * to_kept - kept_sum, 0.0);
  }
  // These policies have no calibrated terms for dropped scores.
  const double gamma = rule.sdc == Sdc::exact ? static_cast<double>(rule.sdc_scale) : 0;
  const double denominator = kept_sum + gamma * dropped + sink;
  const auto factor = static_cast<float>(1 / denominator);
  for (float& weight : row.weights)
    weight *= factor;
  return {std::isinf(dropped) ? 1 : dropped / (dropped + kept_sum + sink), sink / denominator};
}

// VMC: gives the weight that no key has to the mean of the V rows that the row sees.
void give_back(const Job& job, const HeadRows& rows, std::int64_t r, const RowRule& rule, double sink_share,
               std::span<float> out, UnitScratch& scratch) {
  const std::int64_t kv_head = rows.head / job.group_heads();
  scratch.value_sum.resize(out.size());
  scratch.unseen.resize(out.size());
  job.cache.value_sum(rows.layer, kv_head, rows.position(r) + 1, scratch.value_sum);
  job.cache.value_sum(rows.layer, kv_head, rows.first(r), scratch.unseen);
  for (std::size_t i = 0; i < out.size(); ++i)
    scratch.value_sum[i] -= scratch.unseen[i];
  double total = sink_share;
  for (const float weight : scratch.row.weights)
    total += static_cast<double>(weight);
  scale_and_compensate(rule, rows.length(r), 1, total, scratch.value_sum, out);
}

void attend_row(const Job& job, const HeadRows& rows, std::int64_t r, RowRule rule, const float* values,
                TileCounts* counts, UnitScratch& scratch) {
  const std::int64_t n = rows.length(r);
  const auto dim = static_cast<std::size_t>(job.head_dim());
  const std::span<const float> all(rows.row(r) + rows.first(r), static_cast<std::size_t>(n));
  const std::int64_t row = rows.position(r) - job.call.first_position;
  const std::span<float> out(job.call.out + job.row_offset(row, rows.head), dim);
  std::fill(out.begin(), out.end(), 0.0F);
  const std::int64_t kept = list_kept(scratch.kept.row(r), rows.row(r), scratch.row);
  if (kept == n) rule.sdc = Sdc::none;
  Weighed weighed{.lost_mass = 1};
  if (kept > 0) {
    weighed = weigh_listed(all, rule, job.want_lost_mass(), scratch.row);
    add_weighted_rows_at(scratch.row.weights, scratch.row.indices, values, job.head_dim(), out.data());
  }
  if (rule.vmc && kept < n) give_back(job, rows, r, rule, weighed.sink_share, out, scratch);
  if (counts == nullptr) return;
  const std::int64_t topk = has_k(job.policy.policy()) ? std::min(n, rule.k) : 0;
  counts->rows.push_back({1, n, kept, topk, job.want_lost_mass() ? weighed.lost_mass : 0});
}

// A row whose scores are not numbers: everything is kept, and the output is NaN.
void show_broken(const Job& job, const HeadRows& rows, std::int64_t r, const RowRule& rule,
                 TileCounts* counts, UnitScratch& scratch) {
  scratch.kept.keep(r, rows.first(r), rows.position(r) + 1);
  const std::int64_t row = rows.position(r) - job.call.first_position;
  std::fill_n(job.call.out + job.row_offset(row, rows.head), job.head_dim(),
              std::numeric_limits<float>::quiet_NaN());
  if (counts == nullptr) return;
  const std::int64_t n = rows.length(r);
  counts->rows.push_back({1, n, n, has_k(job.policy.policy()) ? std::min(n, rule.k) : 0, 0});
  const std::span<std::uint64_t> bits = counts->bits(rows.head % job.group_heads());
  for (std::size_t w = 0; w < bits.size(); ++w)
    bits[w] |= scratch.kept.row(r)[w];
}

HeadRows score_block(const Job& job, std::int64_t head, const Block& block, UnitScratch& scratch) {
  const std::int64_t keys = job.call.first_position + block.last;
  const std::int64_t stride = (keys + kKeyBlock - 1) / kKeyBlock * kKeyBlock;
  const std::int64_t kv_head = head / job.group_heads();
  const float* const q = job.call.q + job.row_offset(block.first, head);
  scratch.scores.resize(std::max(scratch.scores.size(), static_cast<std::size_t>(block.rows() * stride)));
  score_keys(job, {.kv_head = kv_head,
                   .count = keys,
                   .q = q,
                   .rows = block.rows(),
                   .q_stride = job.row_stride(),
                   .scale = job.call.scale,
                   .scores = scratch.scores.data(),
                   .score_stride = stride});
  scratch.first_key.clear();
  scratch.broken.clear();
  for (std::int64_t r = block.first; r < block.last; ++r) {
    const std::int64_t position = job.call.first_position + r;
    scratch.first_key.push_back(job.first_key(position));
    const std::span<float> row(scratch.scores.data() + (r - block.first) * stride + job.first_key(position),
                               static_cast<std::size_t>(job.row_length(position)));
    const bool broken = !std::isfinite(row_max(row)) ||
                        std::any_of(row.begin(), row.end(), [](float x) { return std::isnan(x); });
    scratch.broken.push_back(broken);
    // No policy can order such scores; whatever it makes of the row is not used.
    if (broken) std::fill(row.begin(), row.end(), 0.0F);
  }
  return {.layer = job.call.layer,
          .head = head,
          .k = job.policy.k(job.call.layer, head),
          .first_position = job.call.first_position + block.first,
          .rows = block.rows(),
          .first_key = scratch.first_key,
          .scores = scratch.scores.data(),
          .stride = stride,
          .q = q,
          .q_stride = job.row_stride(),
          .keys = job.cache.wide_keys(job.call.layer, kv_head, 0, keys, scratch.wide_keys),
          .head_dim = job.head_dim()};
}

// Attends one block of rows of one query head. counts: of all runs.
void attend_head_block(const Job& job, std::int64_t head, const Block& block, const std::vector<RowRun>& runs,
                       const float* values, TileCounts* counts, UnitScratch& scratch) {
  const HeadRows rows = score_block(job, head, block, scratch);
  scratch.kept.reset(block.rows(), job.call.first_position + block.last);
  if (rows.k != kDenseK)
    job.policy.selector()->select(rows, job.cache.memory().of(job.call.layer, head), scratch.kept);
  for (std::size_t i = block.first_run; i < block.last_run; ++i)
    for (std::int64_t row = runs[i].first; row < runs[i].last; ++row) {
      const std::int64_t r = row - block.first;
      const RowRule rule = job.rule(head, rows.position(r));
      complete_row(rows, r, rule, scratch);
      if (scratch.broken[static_cast<std::size_t>(r)]) {
        show_broken(job, rows, r, rule, counts != nullptr ? &counts[i] : nullptr, scratch);
        continue;
      }
      attend_row(job, rows, r, rule, values, counts != nullptr ? &counts[i] : nullptr, scratch);
      if (counts == nullptr) continue;
      const std::span<std::uint64_t> bits = counts[i].bits(head % job.group_heads());
      for (std::size_t w = 0; w < bits.size(); ++w)
        bits[w] |= scratch.kept.row(r)[w];
    }
}

void attend_group_block(const Job& job, std::int64_t kv_head, const Block& block,
                        const std::vector<RowRun>& runs, TileCounts* counts) {
  thread_local UnitScratch scratch;
  const std::int64_t keys = job.call.first_position + block.last;
  const float* const values = job.cache.wide_values(job.call.layer, kv_head, 0, keys, scratch.wide_values);
  for (std::size_t i = block.first_run; i < block.last_run && counts != nullptr; ++i)
    counts[i].reset(job.group_heads(), job.call.first_position + runs[i].last);
  for (std::int64_t h = 0; h < job.group_heads(); ++h)
    attend_head_block(job, kv_head * job.group_heads() + h, block, runs, values, counts, scratch);
}

void report_runs(const Job& job, const std::vector<RowRun>& runs, const std::vector<TileCounts>& all) {
  for (std::int64_t g = 0; g < job.shape().num_kv_heads; ++g)
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const TileCounts& counts = all[static_cast<std::size_t>(g) * runs.size() + i];
      const std::int64_t position = job.call.first_position + runs[i].first;
      report_kept(job, g,
                  {.position = position,
                   .first_key = job.first_key(position),
                   .end = job.call.first_position + runs[i].last},
                  counts.kept_bits);
      for (std::size_t r = 0; r < counts.rows.size(); ++r)
        job.listeners.counts->add_row(job.call.layer,
                                      g * job.group_heads() + static_cast<std::int64_t>(r) / runs[i].rows(),
                                      counts.rows[r]);
    }
}

}  // namespace

void attend_by_units(const Job& job) {
  const RowSelector& selector = *job.policy.selector();
  const Deal deal = deal_rows(job, selector.block_rows());
  const auto blocks = static_cast<std::int64_t>(deal.blocks.size());
  const std::int64_t groups = job.shape().num_kv_heads;
  const bool counting = job.listeners.counts != nullptr;
  std::vector<TileCounts> counts(counting ? static_cast<std::size_t>(groups) * deal.runs.size() : 0);
  const auto run = [&](std::int64_t group, std::int64_t block) {
    attend_group_block(job, group, deal.blocks[static_cast<std::size_t>(block)], deal.runs,
                       counting ? &counts[static_cast<std::size_t>(group) * deal.runs.size()] : nullptr);
  };
  if (selector.remembers()) {
    parallel_for(groups, [&](std::int64_t group) {
      for (std::int64_t block = 0; block < blocks; ++block)
        run(group, block);
    });
  } else {  // the longest rows first
    parallel_for(groups * blocks, [&](std::int64_t i) { run(i % groups, blocks - 1 - i / groups); });
  }
  if (counting) report_runs(job, deal.runs, counts);
}

}  // namespace toptheta
