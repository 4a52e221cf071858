#include "calibration/row_auditor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "calibration/row_checks.hpp"
#include "calibration/row_threshold.hpp"
#include "calibration/running_row.hpp"
#include "core/error.hpp"
#include "kernels/rows/row_mass.hpp"

namespace toptheta {

// A row in the form that thresholds are compared with: scores, or weights.
struct RowAuditor::RowMass {
  std::span<const float> values{};
  float largest = 0;
  double total = 1;                     // for scores: the sum of all e^(s - largest), the sink's included
  const RunningRow* running = nullptr;  // set under running-softmax placement
  RowEnds ends{};                       // positions kept in any case

  // How many of its values are kept, and the softmax mass that they hold before division by `total`.
  [[nodiscard]] MassAbove kept(float theta, Placement placement) const {
    if (running != nullptr) return running->above(theta);
    const bool scores = placement == Placement::pre_softmax;
    const std::span<const float> rest = ends.rest_of(values);
    MassAbove all = scores ? exp_sum_above(rest, theta, largest) : sum_above(rest, theta);
    ends.for_each(values, [&](float value) {
      all.sum += scores ? std::exp(static_cast<double>(value) - static_cast<double>(largest))
                        : static_cast<double>(value);
    });
    all.count += ends.count();
    return all;
  }
};

RowAuditor::RowAuditor(const ThresholdTable& table, const std::vector<std::int64_t>& k, Placement row_content,
                       std::int64_t longest)
    : table_(table), row_content_(row_content) {
  if (table.meta.placement != Placement::post_softmax && row_content == Placement::post_softmax)
    throw UsageError({.where = "audit",
                      .what = fmt::format("{} thresholds cannot be audited on rows taken after the softmax",
                                          name_of(table.meta.placement)),
                      .expected = "rows with placement pre-softmax, or queries and keys",
                      .found = "rows with placement post-softmax",
                      .next = "audit a table with placement post-softmax, or write a new dump"});
  for (const std::int64_t one : k) {
    targets_.push_back(&table.target(one));
    lookups_.emplace_back(table, one, longest);
    heads_.emplace_back(targets_.back()->cells.size());
    counts_.emplace_back(targets_.back()->cells.size());
  }
}

void RowAuditor::start_document() {
  ++documents_;
  for (auto& cells : counts_)
    for (auto& documents : cells)
      documents.emplace_back();
}

void RowAuditor::add(const RowBlock& block) {
  assert(documents_ > 0);
  std::vector<float> weights;
  RunningRow running;
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const RowRange range = require_row(block, r, row_content_);
    RowMass row{block.row(r), range.largest};
    const double sink = sink_exponential(block.sink, range.largest);
    const auto n = static_cast<std::int64_t>(row.values.size());
    row.ends = table_.meta.kept.of_row(block.first_key(r), n);
    if (table_.meta.placement == Placement::pre_softmax) {
      row.total = exp_sum(row.values, range) + sink;
    } else if (table_.meta.placement == Placement::running_softmax) {
      if (n > 0) running.weigh(row.values, block.first_key(r), block.sink);
      running.keep(row.ends);
      row.running = &running;
    } else if (row_content_ == Placement::pre_softmax) {
      weights.resize(row.values.size());
      softmax(row.values, row.largest, weights, sink);
      row.values = weights;
    }
    for (std::size_t target = 0; target < targets_.size(); ++target)
      add_row(target, block, n, row);
  }
}

void RowAuditor::add_row(std::size_t target, const RowBlock& block, std::int64_t n, const RowMass& row) {
  const std::size_t cell = table_.cell_index(block.layer, block.head);
  const std::int64_t k = targets_[target]->k_of(cell);
  HeadAudit& head = heads_[target][cell];
  DocumentCount& document = counts_[target][cell].back();
  document.asked += std::min(n, k);
  if (n <= k) {
    ++head.dense_rows;
    document.kept += n;
    return;
  }
  const float theta = lookups_[target].theta(block.layer, block.head)[static_cast<std::size_t>(n)];
  const MassAbove above = row.kept(theta, table_.meta.placement);
  const double lost = std::clamp(1 - above.sum / row.total, 0.0, 1.0);
  document.kept += above.count;
  ++head.rows;
  head.visible += n;
  head.kept += above.count;
  head.lost_mass += lost;
  head.kept_of_rows.add(above.count);
  head.lost_of_rows.add(std::llround(lost / kLostUnit));
}

}  // namespace toptheta
