#include "sweep/choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "eval/paired.hpp"
#include "sweep/comparison.hpp"

namespace toptheta {

namespace {

// Choices are made among cells of the same family, phase and protocol.
using FamilyKey = std::tuple<std::string, std::string, std::string>;

struct Measured {
  Candidate candidate;
  PairedDifference difference;  // from dense
};

std::optional<PairedDifference> difference_of(const CellResult& dense, const CellResult& cell,
                                              const ChoiceQuery& query) {
  const double confidence = query.confidence > 0 ? query.confidence : 0.95;
  if (auto paired = paired_between(dense, cell, query.metric, confidence, cell.seed)) return paired;
  const auto known = cell.paired.find(query.metric == "perplexity" ? "nll" : query.metric);
  if (known == cell.paired.end()) return std::nullopt;
  PairedDifference difference = known->second;
  if (confidence != 0.95 && difference.standard_error)
    difference.interval = interval_around(difference.value, *difference.standard_error, confidence);
  return difference;
}

// A setting on several tasks.
Measured mean_over(const std::vector<const Measured*>& tasks, const ChoiceQuery& query) {
  Measured mean = *tasks.front();
  const auto n = static_cast<double>(tasks.size());
  std::vector<PairedDifference> differences;
  mean.candidate.task.clear();
  mean.candidate.cell.clear();
  mean.candidate.kept_elements = mean.candidate.v_rows = 0;
  for (const Measured* one : tasks) {
    mean.candidate.kept_elements += one->candidate.kept_elements / n;
    mean.candidate.v_rows += one->candidate.v_rows / n;
    differences.push_back(one->difference);
  }
  mean.difference = mean_difference(differences, query.confidence);
  mean.candidate.loss = loss_of(mean.difference, query.metric);
  return mean;
}

template <class Less>
const Candidate* best_of(const std::vector<Candidate>& candidates, const ChoiceQuery& query, Less less) {
  const Candidate* best = nullptr;
  for (const Candidate& one : candidates)
    if (is_within(one.loss, query) && (best == nullptr || less(one, *best))) best = &one;
  return best;
}

PolicyChoice choice_of(std::vector<Candidate> candidates, const ChoiceQuery& query) {
  PolicyChoice choice;
  choice.candidates = std::move(candidates);
  const std::vector<Candidate>& all = choice.candidates;
  choice.fewest_elements = best_of(
      all, query, [](const Candidate& a, const Candidate& b) { return a.kept_elements < b.kept_elements; });
  choice.fewest_v_rows =
      best_of(all, query, [](const Candidate& a, const Candidate& b) { return a.v_rows < b.v_rows; });
  if (std::ranges::all_of(all, [](const Candidate& one) { return one.k > 0; }))
    choice.smallest_k = best_of(all, query, [](const Candidate& a, const Candidate& b) { return a.k < b.k; });
  choice.nearest = &*std::ranges::min_element(all, {}, [&query](const Candidate& one) {
    return query.confidence > 0 && one.loss.most ? *one.loss.most : one.loss.value;
  });
  return choice;
}

// The choices of one family: one for each task, in order, and one for all tasks together.
void add_choices(const std::vector<Measured>& family, const ChoiceQuery& query,
                 std::vector<PolicyChoice>& choices) {
  std::vector<std::string> tasks;
  std::map<std::string, std::vector<const Measured*>> settings;
  std::vector<std::string> order;
  for (const Measured& one : family) {
    if (std::ranges::count(tasks, one.candidate.task) == 0) tasks.push_back(one.candidate.task);
    if (!settings.contains(one.candidate.policy)) order.push_back(one.candidate.policy);
    settings[one.candidate.policy].push_back(&one);
  }
  for (const std::string& task : tasks) {
    std::vector<Candidate> candidates;
    for (const Measured& one : family)
      if (one.candidate.task == task) candidates.push_back(one.candidate);
    choices.push_back(choice_of(std::move(candidates), query));
  }
  if (tasks.size() < 2) return;
  std::vector<Candidate> everywhere;
  for (const std::string& policy : order) {
    std::set<std::string> seen;
    for (const Measured* one : settings[policy])
      seen.insert(one->candidate.task);
    if (seen.size() == tasks.size()) everywhere.push_back(mean_over(settings[policy], query).candidate);
  }
  if (!everywhere.empty()) choices.push_back(choice_of(std::move(everywhere), query));
}

double figure(const CellResult& cell, const char* name) {
  const auto found = cell.values.find(name);
  return found == cell.values.end() ? std::nan("") : found->second.value;
}

}  // namespace

bool is_gain(const std::string& metric) {
  return metric.starts_with("acc") || metric.starts_with("exact_match") || metric == "same_top";
}

std::string loss_text(double loss, const std::string& metric) {
  if (metric == "perplexity") return fmt::format("{:.3g}%", 100 * loss);
  if (is_gain(metric)) return fmt::format("{:.3g} point{}", 100 * loss, loss == 0.01 ? "" : "s");
  return fmt::format("{:.3g} nats", loss);
}

ListingColumn loss_column(const std::string& key, const std::string& title, const std::string& metric,
                          int spare) {
  const bool relative = metric == "perplexity";
  const bool share = relative || is_gain(metric);
  return {key,
          title + (relative ? " %"
                   : share  ? " points"
                            : " nats"),
          true, spare, share ? Shown::percent : Shown::as_it_is};
}

bool is_within(const Loss& loss, const ChoiceQuery& query) {
  // Means of zeros and ones are not exact.
  const double bound = query.within + 1e-12;
  return query.confidence > 0 ? loss.most && *loss.most <= bound : loss.value <= bound;
}

std::optional<Loss> loss_of(const CellResult& dense, const CellResult& cell, const ChoiceQuery& query) {
  const auto difference = difference_of(dense, cell, query);
  if (!difference) return std::nullopt;
  return loss_of(*difference, query.metric);
}

Loss loss_of(const PairedDifference& difference, const std::string& metric) {
  const bool gain = is_gain(metric);
  Loss loss{gain ? 0 - difference.value : difference.value};
  if (difference.interval) {
    loss.least = gain ? 0 - difference.interval->high : difference.interval->low;
    loss.most = gain ? 0 - difference.interval->low : difference.interval->high;
  }
  if (metric != "perplexity") return loss;
  loss.value = std::expm1(loss.value);
  if (loss.least) loss.least = std::expm1(*loss.least);
  if (loss.most) loss.most = std::expm1(*loss.most);
  return loss;
}

PairedDifference mean_difference(std::span<const PairedDifference> tasks, double confidence) {
  const auto n = static_cast<double>(tasks.size());
  if (tasks.size() == 1) return tasks.front();
  PairedDifference mean;
  double squares = 0;
  bool errors = true;
  for (const PairedDifference& one : tasks) {
    mean.value += one.value / n;
    errors = errors && one.standard_error;
    if (errors) squares += *one.standard_error * *one.standard_error;
  }
  if (!errors) return mean;
  mean.standard_error = std::sqrt(squares) / n;
  mean.interval = interval_around(mean.value, *mean.standard_error, confidence > 0 ? confidence : 0.95);
  return mean;
}

std::vector<PolicyChoice> choose_cells(const std::vector<CellResult>& cells, const ChoiceQuery& query) {
  std::vector<FamilyKey> order;
  std::map<FamilyKey, std::vector<Measured>> families;
  for (const CellResult& cell : cells) {
    const CellResult* const dense = cell.is_dense() ? nullptr : dense_beside(cells, cell);
    if (dense == nullptr) continue;
    const auto difference = difference_of(*dense, cell, query);
    if (!difference) continue;
    const FamilyKey key{cell.family, cell.phase, cell.protocol};
    if (!families.contains(key)) order.push_back(key);
    families[key].push_back({{.task = cell.task,
                              .family = cell.family,
                              .phase = cell.phase,
                              .protocol = cell.protocol,
                              .policy = cell.policy,
                              .cell = cell.name,
                              .k = cell.k,
                              .kept_elements = figure(cell, "kept_elements"),
                              .v_rows = figure(cell, "v_rows"),
                              .loss = loss_of(*difference, query.metric)},
                             *difference});
  }
  if (families.empty()) {
    std::set<std::string> known;
    for (const CellResult& cell : cells)
      for (const auto& [name, difference] : cell.paired)
        known.insert(name == "perplexity_ratio" ? "perplexity" : name);
    throw UsageError({.where = "--metric",
                      .what = fmt::format("no result has a difference of '{}' from dense", query.metric),
                      .expected = known.empty() ? "results of dense together with those of other policies"
                                                : fmt::format("one of {}", fmt::join(known, ", "))});
  }
  std::vector<PolicyChoice> choices;
  for (const FamilyKey& key : order)
    add_choices(families.at(key), query, choices);
  return choices;
}

}  // namespace toptheta
