#include "page/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "core/normal.hpp"
#include "page/markup.hpp"

namespace toptheta::page {

namespace {

// " 0:dense 1:512"; where a budget gave most layers a k of their own, just that.
std::string layers_of(const CellPolicy& policy) {
  if (policy.own_head_k || policy.k <= 0) return "";
  constexpr int kNamed = 4;
  int own = 0;
  std::string text;
  for (std::size_t layer = 0; layer < policy.layer_k.size(); ++layer) {
    if (policy.layer_k[layer] == policy.k) continue;
    ++own;
    text += fmt::format(" {}:{}", layer,
                        policy.layer_k[layer] == 0 ? "dense" : fmt::format("{}", policy.layer_k[layer]));
  }
  return own > kNamed ? " per-layer" : text;
}

std::string traits_of(const CellPolicy& policy) {
  std::string text;
  if (policy.placement == "post-softmax") text += " post-softmax";
  if (policy.placement != "post-softmax" && policy.placement != "pre-softmax" && !policy.placement.empty())
    text += " " + policy.placement;
  if (policy.sdc != "none") text += " sdc=" + policy.sdc;
  if (policy.sdc != "none" && policy.sdc_scale != 1) text += fmt::format(" scale={}", policy.sdc_scale);
  if (policy.vmc) text += " vmc";
  if (policy.cap_k) text += " cap-k";
  if (!policy.lookup.empty() && policy.lookup != "nearest") text += " lookup=" + policy.lookup;
  if (policy.own_head_k) text += " per-head";
  if (policy.topk_at_calibration) text += " tac";
  if (policy.add_sigma != 0) text += fmt::format(" sigma={}", policy.add_sigma);
  return text + layers_of(policy);
}

bool is_shared_option(const std::string& name) {
  return name == "keep_first" || name == "keep_recent" || name == "dense_last" || name == "sinks" ||
         name == "seed";
}

std::string options_of(const CellPolicy& policy, bool swept) {
  std::string text;
  for (const auto& [name, value] : policy.options)
    if (swept != (is_shared_option(name) || policy.k > 0))
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  return text;
}

std::string joined(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() ? a + b : a + " " + b;
}

std::string metric_of(const Cell& cell) {
  for (const char* name : {"perplexity", "acc", "exact_match", "pass", "answer_nll", "nll"})
    if (cell.metric(name) != nullptr) return name;
  return cell.metrics.empty() ? "" : cell.metrics.front().first;
}

bool smaller_is_better(const std::string& metric) {
  return metric == "perplexity" || metric.find("nll") != std::string::npos ||
         metric.find("kl") != std::string::npos;
}

// If none of n examples differs, a normal interval has no width, although differing examples may exist. The
// exact bound of a proportion of 0 out of n takes its place.
double unseen_share(std::int64_t examples) {
  return examples > 0 ? 1 - std::pow(0.025, 1 / static_cast<double>(examples)) : 1;
}

// From paired differences, example by example.
Loss paired_loss(const Cell& cell, const Group& group) {
  const Estimate* d = cell.difference(group.is_ratio() ? "perplexity_ratio" : group.metric);
  if (d == nullptr || std::isnan(d->value)) return {};
  const double shift = group.is_ratio() ? 1 : 0;
  const double sign = smaller_is_better(group.metric) ? 1 : -1;
  double low = d->low;
  double high = d->high;
  if (std::isnan(low)) {
    low = d->value - kNormal95 * d->error;
    high = d->value + kNormal95 * d->error;
  }
  if (group.is_share() && !group.is_ratio() && d->value == 0 && low == high) {
    high = unseen_share(cell.task.examples);
    low = -high;
  }
  Loss loss{sign * (d->value - shift), sign * (low - shift), sign * (high - shift), true};
  if (sign < 0) std::swap(loss.low, loss.high);
  return loss;
}

Loss loss_of(const Cell& cell, const Group& group) {
  Loss loss = paired_loss(cell, group);
  if (loss.known() || group.dense == nullptr) return loss;
  const Estimate* own = cell.metric(group.metric);
  const Estimate* dense = group.dense->metric(group.metric);
  if (own == nullptr || dense == nullptr) return {};
  const double unit = group.is_ratio() ? dense->value : 1;
  const double sign = smaller_is_better(group.metric) ? 1 : -1;
  const double spread = kNormal95 * std::hypot(own->error, dense->error) / unit;
  loss.value = sign * (own->value - dense->value) / unit;
  loss.low = loss.value - spread;
  loss.high = loss.value + spread;
  return loss;
}

int rank_of(const std::string& attention) {
  return attention == "theta" ? 0 : attention == "topk" ? 1 : 2;
}

int rank_of_kind(const std::string& kind) {
  return kind == "text" ? 0 : 1;
}

void sort_series(Group& group) {
  for (Series& series : group.series) {
    for (Point& point : series.points)
      point.loss = loss_of(*point.cell, group);
    std::stable_sort(series.points.begin(), series.points.end(),
                     [](const Point& a, const Point& b) { return a.cell->total.kept < b.cell->total.kept; });
  }
  std::stable_sort(group.series.begin(), group.series.end(), [](const Series& a, const Series& b) {
    return std::pair(rank_of(a.attention), a.name) < std::pair(rank_of(b.attention), b.name);
  });
}

// In the order of names, top-theta first, so that a policy has the same style everywhere.
void give_styles(std::vector<Group>& groups) {
  std::map<std::pair<int, std::string>, std::size_t> styles;
  for (const Group& group : groups)
    for (const Series& series : group.series)
      styles.emplace(std::pair(rank_of(series.attention), series.name), 0);
  std::size_t next = 0;
  for (auto& [name, style] : styles)
    style = next++;
  for (Group& group : groups)
    for (Series& series : group.series)
      series.style = styles.at({rank_of(series.attention), series.name});
}

// "budgets/96-head.h5" becomes "budgets/*-head.h5": what the tables of one script's loop over k have in
// common.
std::string pattern_of(const std::string& table) {
  const std::size_t name = table.find_last_of('/') + 1;
  std::string pattern = table.substr(0, name);
  for (std::size_t i = name; i < table.size(); ++i) {
    const bool is_digit = table[i] >= '0' && table[i] <= '9';
    if (!is_digit)
      pattern += table[i];
    else if (pattern.empty() || pattern.back() != '*')
      pattern += '*';
  }
  return pattern;
}

// The cells of one curve, and what its tables have in common.
struct Curve {
  std::string family{};
  std::string tables{};
  std::vector<const Cell*> cells{};
};

// Cells of one family make one curve if they have one table, or tables whose names differ in numbers only and
// that answer different k: a table for each budget.
std::vector<Curve> curves_of(const std::vector<const Cell*>& cells) {
  std::map<std::string, std::set<std::pair<std::string, std::string>>>
      tables;  // of a pattern: knob and table
  std::map<std::string, std::set<std::string>> knobs;
  const auto pattern = [](const Cell& cell) {
    return family_of(cell.policy) + '\0' + pattern_of(cell.policy.thresholds);
  };
  for (const Cell* cell : cells) {
    tables[pattern(*cell)].emplace(knob_of(cell->policy), cell->policy.thresholds);
    knobs[pattern(*cell)].insert(knob_of(cell->policy));
  }
  std::vector<Curve> curves;
  std::map<std::string, std::size_t> known;
  for (const Cell* cell : cells) {
    const std::string key = pattern(*cell);
    const bool is_one_curve = tables[key].size() == knobs[key].size();
    const std::string table = is_one_curve ? pattern_of(cell->policy.thresholds) : cell->policy.thresholds;
    const auto [it, is_new] = known.emplace(family_of(cell->policy) + '\0' + table, curves.size());
    if (is_new) curves.push_back({family_of(cell->policy), cell->policy.thresholds, {}});
    Curve& curve = curves[it->second];
    if (curve.tables != cell->policy.thresholds) curve.tables = table;
    curve.cells.push_back(cell);
  }
  return curves;
}

Group make_group(const std::vector<const Cell*>& cells, bool name_model) {
  Group group;
  const Cell& first = *cells.front();
  group.title =
      fmt::format("{}{}, {}", name_model ? first.model.name + ": " : "", first.task.name, first.phase);
  group.metric = metric_of(first);
  std::vector<const Cell*> sparse;
  for (const Cell* cell : cells) {
    if (!cell->is_dense())
      sparse.push_back(cell);
    else if (group.dense == nullptr)
      group.dense = cell;
  }
  const std::vector<Curve> curves = curves_of(sparse);
  group.series.reserve(curves.size());
  for (const Curve& curve : curves) {
    const bool is_only = std::count_if(curves.begin(), curves.end(),
                                       [&](const Curve& c) { return c.family == curve.family; }) == 1;
    Series series{curve.family, curve.cells.front()->policy.attention, {}};
    if (!is_only) series.name += fmt::format(" ({})", std::filesystem::path(curve.tables).stem().string());
    for (const Cell* cell : curve.cells)
      series.points.push_back({cell, {}});
    group.series.push_back(std::move(series));
  }
  sort_series(group);
  return group;
}

}  // namespace

bool Group::is_share() const {
  return metric.find("nll") == std::string::npos && metric.find("kl") == std::string::npos;
}

std::string loss_name(const Group& group) {
  return fmt::format("{} {} dense", group.metric, smaller_is_better(group.metric) ? "above" : "below");
}

std::string describe(const Loss& loss, const Group& group) {
  const bool is_worse_up = smaller_is_better(group.metric);
  const auto amount = [&](double value) {
    const bool is_points = group.is_share() && !group.is_ratio();
    return is_points ? short_number(value * 100) : group.is_share() ? percent(value) : short_number(value);
  };
  const char* const unit = !group.is_share() ? " nats" : group.is_ratio() ? "" : " points";
  const std::string interval = loss.has_interval()
                                   ? fmt::format(" (loss {} to {}{}, 95%{})", amount(loss.low),
                                                 amount(loss.high), unit, loss.paired ? ", paired" : "")
                                   : "";
  if (loss.value == 0) return fmt::format("{} equal to dense{}", group.metric, interval);
  return fmt::format("{} {}{} {} dense{}", group.metric, amount(std::abs(loss.value)), unit,
                     (loss.value > 0) == is_worse_up ? "above" : "below", interval);
}

std::string family_of(const CellPolicy& policy) {
  return joined(policy.attention + traits_of(policy), options_of(policy, false));
}

std::string knob_of(const CellPolicy& policy) {
  return policy.k > 0 ? fmt::format("k={}", policy.k) : options_of(policy, true);
}

std::string describe(const CellPolicy& policy) {
  return joined(joined(policy.attention, knob_of(policy)),
                family_of(policy).substr(std::min(family_of(policy).size(), policy.attention.size() + 1)));
}

std::string identity_of(const Cell& cell) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", cell.model.sha256, cell.model.name, cell.task.name,
                     cell.task.sha256, cell.task.definition, cell.phase, describe(cell.policy),
                     cell.policy.thresholds);
}

std::vector<Group> group_cells(const std::vector<Cell>& cells) {
  std::map<std::string, std::size_t> known;
  std::vector<std::vector<const Cell*>> sorted;
  bool name_model = false;
  for (const Cell& cell : cells) {
    name_model = name_model || cell.model.sha256 != cells.front().model.sha256;
    const std::string key = fmt::format("{}\n{}\n{}\n{}\n{}", cell.model.name, cell.model.sha256,
                                        cell.task.name, cell.task.sha256, cell.phase);
    const auto [it, is_new] = known.emplace(key, sorted.size());
    if (is_new) sorted.emplace_back();
    sorted[it->second].push_back(&cell);
  }
  std::vector<Group> groups;
  groups.reserve(sorted.size());
  for (const auto& list : sorted)
    groups.push_back(make_group(list, name_model));
  give_styles(groups);
  const auto key = [&](const Group& group) {
    const Cell& cell = group.dense != nullptr ? *group.dense : *group.series.front().points.front().cell;
    return std::tuple(rank_of_kind(cell.task.kind), cell.phase != "prefill", group.title);
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const Group& a, const Group& b) { return key(a) < key(b); });
  return groups;
}

const Point* cheapest_within(const Series& series, double limit, bool sure) {
  for (const Point& point : series.points)
    if (point.loss.known() && point.loss.value <= limit && (!sure || point.loss.high <= limit)) return &point;
  return nullptr;
}

const Point* cheapest_within(const Group& group, double limit, bool sure, const Series** series) {
  const Point* best = nullptr;
  for (const Series& candidate : group.series) {
    const Point* point = cheapest_within(candidate, limit, sure);
    if (point == nullptr || (best != nullptr && point->cell->total.kept >= best->cell->total.kept)) continue;
    best = point;
    *series = &candidate;
  }
  return best;
}

const Point* closest_to_dense(const Series& series) {
  const Point* best = nullptr;
  for (const Point& point : series.points)
    if (point.loss.known() && (best == nullptr || point.loss.value < best->loss.value)) best = &point;
  return best;
}

}  // namespace toptheta::page
