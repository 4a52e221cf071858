// Tables of all cells, and of the commands and files that made them.
#include <fmt/format.h>

#include <map>

#include "page/cell_figures.hpp"

namespace toptheta::page {

namespace {

// Metrics in one order for all cells, with a column for errors if some cell has one.
struct MetricColumn {
  std::string name{};
  bool has_error = false;
};

std::vector<MetricColumn> metrics_of(const std::vector<Group>& groups) {
  std::map<std::string, bool> found;
  const auto look = [&found](const Cell& cell) {
    for (const auto& [name, estimate] : cell.metrics) {
      bool& has_error = found[name];
      has_error = has_error || estimate.error == estimate.error;
    }
  };
  for (const Group& group : groups) {
    if (group.dense != nullptr) look(*group.dense);
    for (const Series& series : group.series)
      for (const Point& point : series.points)
        look(*point.cell);
  }
  std::vector<MetricColumn> columns;
  columns.reserve(found.size());
  for (const auto& [name, has_error] : found)
    columns.push_back({name, has_error});
  return columns;
}

std::string digest_of(const Cell& cell, const std::string& path) {
  for (const InputFile& input : cell.provenance.inputs)
    if (!path.empty() && input.path == path) return input.sha256.empty() ? input.fingerprint : input.sha256;
  return "";
}

std::vector<Value> row_of(const Cell& cell, const Group& group, const Loss& loss,
                          const std::vector<MetricColumn>& metrics) {
  const auto of_loss = [&](double value) {
    return group.is_share() ? percent_value(value) : number_value(value);
  };
  std::vector<Value> row = {text_value(describe(cell.policy)),
                            text_value(cell.task.name),
                            text_value(cell.phase),
                            of_loss(loss.value),
                            of_loss(loss.low),
                            of_loss(loss.high),
                            percent_value(cell.total.kept),
                            percent_value(cell.total.v_rows),
                            percent_value(cell.total.k_rows),
                            percent_value(cell.total.empty_tiles),
                            number_value(cell.total.effective_k),
                            percent_value(cell.total.lost_mass),
                            percent_value(cell.total.output_error),
                            count_value(cell.task.examples)};
  for (const MetricColumn& metric : metrics) {
    const Estimate* estimate = cell.metric(metric.name);
    row.push_back(number_value(estimate != nullptr ? estimate->value : kAbsent, true));
    if (metric.has_error) row.push_back(number_value(estimate != nullptr ? estimate->error : kAbsent, true));
  }
  for (const std::string& text :
       {cell.file, cell.model.name, cell.model.sha256.substr(0, 12), cell.task.sha256.substr(0, 12),
        cell.policy.thresholds, digest_of(cell, cell.policy.thresholds).substr(0, 12)})
    row.push_back(text_value(text));
  return row;
}

}  // namespace

DataTable all_cells(const std::vector<Group>& groups) {
  const std::vector<MetricColumn> metrics = metrics_of(groups);
  DataTable table{"cells",
                  {"policy", "task", "phase", "loss", "loss low", "loss high", "kept", "V rows", "K rows",
                   "empty tiles", "effective k / k", "lost mass", "output error", "examples"},
                  {}};
  for (const MetricColumn& metric : metrics) {
    table.columns.push_back(metric.name);
    if (metric.has_error) table.columns.push_back(metric.name + " stderr");
  }
  for (const char* name : {"file", "model", "model digest", "task digest", "thresholds", "thresholds digest"})
    table.columns.emplace_back(name);
  for (const Group& group : groups) {
    if (group.dense != nullptr) table.rows.push_back(row_of(*group.dense, group, {0, 0, 0, true}, metrics));
    for (const Series& series : group.series)
      for (const Point& point : series.points)
        table.rows.push_back(row_of(*point.cell, group, point.loss, metrics));
  }
  table.drop_empty_columns();
  return table;
}

DataTable commands_of(const std::vector<Cell>& cells) {
  DataTable table{"commands", {"file", "policy", "command", "version", "commit", "seed"}, {}};
  for (const Cell& cell : cells)
    table.rows.push_back({text_value(cell.file), text_value(describe(cell.policy)),
                          text_value(cell.provenance.command), text_value(cell.provenance.version),
                          text_value(cell.provenance.commit),
                          text_value(fmt::format("{}", cell.provenance.seed))});
  return table;
}

DataTable inputs_of(const std::vector<Cell>& cells) {
  DataTable table{"inputs", {"file", "sha256", "cells"}, {}};
  std::map<std::pair<std::string, std::string>, std::int64_t> uses;
  for (const Cell& cell : cells)
    for (const InputFile& input : cell.provenance.inputs)
      ++uses[{input.path, input.sha256.empty() ? input.fingerprint + " (of pieces)" : input.sha256}];
  for (const auto& [input, count] : uses)
    table.rows.push_back({text_value(input.first), text_value(input.second), count_value(count)});
  return table;
}

}  // namespace toptheta::page
