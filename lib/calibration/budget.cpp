#include "calibration/budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/budget_items.hpp"
#include "calibration/retarget.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& what, const std::string& next) {
  throw UsageError({.where = where, .what = what, .next = next});
}

void require_rows(const ThresholdTable& table) {
  require_curves(table, "budget");
  if (table.curves.longest_row() == 0) refuse("budget", "the table's curves hold no rows", "calibrate again");
}

Prediction prediction_of(const BudgetWorld& world, const std::vector<std::size_t>& chosen) {
  Prediction result;
  double cost = 0;
  result.cost = world.weights.empty() ? std::nan("") : 0;
  for (std::size_t cell = 0; cell < chosen.size(); ++cell) {
    cost += world.choices[cell][chosen[cell]].cost;
    result.lost_mass += world.choices[cell][chosen[cell]].loss;
    result.cost += world.loss(cell, chosen[cell]);
  }
  result.lost_mass /= world.rows();
  result.kept_elements = cost / world.elements();
  result.per_row = cost / world.rows() * static_cast<double>(chosen.size());
  const std::size_t group = world.group_heads();
  if (group == 0) {
    result.v_rows = std::nan("");
    return result;
  }
  double needed = 0;
  for (std::size_t first = 0; first < chosen.size(); first += group) {
    std::vector<std::int64_t> head_k;
    for (std::size_t cell = first; cell < first + group; ++cell)
      head_k.push_back(world.k[cell][chosen[cell]]);
    needed += world.group_value_rows(first, head_k);
  }
  result.v_rows = needed / world.all_value_rows();
  return result;
}

void require_limits(const Budget& budget) {
  if (budget.smallest_k < 1 || budget.smallest_k > budget.largest_k)
    refuse("--min-k", "the smallest k is not between 1 and the largest", "give --min-k of at most --max-k");
}

void require_amount(const Budget& budget, const BudgetWorld& world) {
  const bool share = budget.kind == BudgetKind::kept_fraction || budget.kind == BudgetKind::v_rows ||
                     budget.kind == BudgetKind::lost_mass;
  if (!(budget.amount > 0) || (share && budget.amount >= 1))
    throw UsageError({.where = "budget",
                      .what = "not an amount",
                      .expected = share ? "a share above 0 and below 1" : "a number above 0",
                      .found = fmt::format("{}", budget.amount)});
  if (budget.kind == BudgetKind::v_rows && world.group_heads() == 0)
    refuse("--v-rows", "the table does not know the model's KV groups",
           "calibrate again from a model or dump");
  if (!budget.weights.empty() && budget.kind == BudgetKind::lost_mass)
    refuse("--lost-mass", "weights of heads have no meaning for it: it counts mass alike in all heads",
           "give a budget of elements or V rows");
  if (!budget.weights.empty() && budget.weights.size() != world.choices.size())
    throw InputError({.where = "sensitivity",
                      .what = "it is not of the table's model",
                      .expected = fmt::format("{} heads in all", world.choices.size()),
                      .found = fmt::format("{}", budget.weights.size())});
}

std::vector<std::vector<std::int64_t>> candidates_of(const ThresholdTable& table, const Budget& budget) {
  const ModelShape& shape = table.meta.shape;
  const std::vector<std::int64_t> candidates =
      candidate_k(table.curves.longest_row(), budget.smallest_k, budget.largest_k);
  std::vector<std::vector<std::int64_t>> result(static_cast<std::size_t>(shape.num_layers * shape.num_heads),
                                                candidates);
  // Layers that calibration did not see have no thresholds and stay dense.
  for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
    bool seen = false;
    for (std::int64_t head = 0; head < shape.num_heads; ++head)
      seen = seen || !table.curves.cells[table.cell_index(layer, head)].empty();
    for (std::int64_t head = 0; !seen && head < shape.num_heads; ++head)
      result[table.cell_index(layer, head)] = {kDenseK};
  }
  (void)resolve_layer_k(1, budget.layer_k, shape.num_layers);  // refuses layers out of range
  for (const LayerK& given : budget.layer_k)
    for (std::int64_t head = 0; head < shape.num_heads; ++head)
      result[table.cell_index(given.layer, head)] = {given.k};
  return result;
}

Allocation allocate(const BudgetWorld& world, const Budget& budget, const std::vector<BudgetItem>& items) {
  std::vector<std::vector<Choice>> choices;
  choices.reserve(items.size());
  for (const BudgetItem& item : items)
    choices.push_back(item.choices);
  if (budget.kind == BudgetKind::lost_mass) {
    Allocation allocation = reach_loss(choices, budget.amount * world.rows());
    if (allocation.loss > budget.amount * world.rows() * (1 + 1e-12))
      throw UsageError({.where = "--lost-mass",
                        .what = "so little cannot be reached within the limits on k",
                        .expected = fmt::format("at least {:.6g}", allocation.loss / world.rows()),
                        .found = fmt::format("{}", budget.amount),
                        .next = "raise --max-k or the budget"});
    return allocation;
  }
  double amount = budget.amount;
  if (budget.kind == BudgetKind::kept_fraction) amount *= world.elements();
  if (budget.kind == BudgetKind::kept_elements)
    amount *= world.rows() / static_cast<double>(world.heads.size());
  if (budget.kind == BudgetKind::v_rows) amount *= world.all_value_rows();
  if (budget.kind == BudgetKind::uniform_k) amount = world.kept_under(budget.amount);
  Allocation allocation = share_out(choices, amount);
  if (allocation.cost > amount * (1 + 1e-12))
    throw UsageError({.where = "budget",
                      .what = "even the smallest k in every head keeps more than that",
                      .expected = fmt::format("at least {:.6g}", budget.amount * allocation.cost / amount),
                      .found = fmt::format("{}", budget.amount),
                      .next = "lower --min-k, or raise the budget"});
  return allocation;
}

std::int64_t uniform_k_of(const BudgetWorld& world, double cost) {
  std::int64_t low = 1;
  std::int64_t high = world.table.curves.longest_row() + std::int64_t{1};
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (world.kept_under(static_cast<double>(middle)) <= cost ? low : high) = middle;
  }
  return cost - world.kept_under(static_cast<double>(low)) <
                 world.kept_under(static_cast<double>(high)) - cost
             ? low
             : high;
}

}  // namespace

double value_rows(const std::vector<double>& k, double n) {
  double missed = 1;
  for (const double one : k)
    missed *= 1 - std::min(one, n) / n;
  return n * (1 - missed);
}

Prediction predict(const ThresholdTable& table, const std::vector<std::int64_t>& head_k,
                   const std::vector<double>& weights) {
  require_rows(table);
  std::vector<std::vector<std::int64_t>> single;
  single.reserve(head_k.size());
  for (const std::int64_t k : head_k)
    single.push_back({k});
  return prediction_of(BudgetWorld(table, single, weights), std::vector<std::size_t>(head_k.size(), 0));
}

BudgetPlan plan_budget(const ThresholdTable& table, const Budget& budget) {
  require_rows(table);
  require_limits(budget);  // candidates run from the smallest k on
  const BudgetWorld world(table, candidates_of(table, budget), budget.weights);
  require_amount(budget, world);
  const std::vector<BudgetItem> items = budget_items(world, budget.unit, budget.kind == BudgetKind::v_rows);
  const Allocation allocation = allocate(world, budget, items);
  std::vector<std::size_t> chosen(world.choices.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::vector<std::size_t>& of_item = items[i].chosen[allocation.chosen[i]];
    std::copy(of_item.begin(), of_item.end(), chosen.begin() + static_cast<std::ptrdiff_t>(items[i].first));
  }
  BudgetPlan plan;
  double cost = 0;
  for (std::size_t cell = 0; cell < chosen.size(); ++cell) {
    const Choice& choice = world.choices[cell][chosen[cell]];
    const double rows = std::max(1.0, world.heads[cell].rows);
    const auto& curves = table.curves.cells[cell];
    const std::int64_t k = world.k[cell][chosen[cell]];
    plan.head_k.push_back(curves.empty() || curves.back().longest <= k ? kDenseK : k);
    plan.heads.push_back({choice.cost / rows, choice.loss / rows});
    cost += choice.cost;
  }
  plan.predicted = prediction_of(world, chosen);
  plan.bound = allocation.bound / (!budget.weights.empty()                ? 1
                                   : budget.kind == BudgetKind::lost_mass ? world.elements()
                                                                          : world.rows());
  plan.uniform_k = uniform_k_of(world, cost);
  plan.uniform = predict(table, std::vector<std::int64_t>(chosen.size(), plan.uniform_k), budget.weights);
  return plan;
}

}  // namespace toptheta
