#include "calibration/budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "calibration/head_costs.hpp"
#include "core/error.hpp"
#include "core/parallel.hpp"

namespace toptheta {

namespace {

using Choices = std::vector<Choice>;

[[noreturn]] void refuse(const std::string& where, const std::string& what, const std::string& next) {
  throw UsageError({.where = where, .what = what, .next = next});
}

std::int32_t longest_row(const ThresholdTable& table) {
  std::int32_t longest = 0;
  for (const auto& curves : table.curves.cells)
    if (!curves.empty()) longest = std::max(longest, curves.back().longest);
  if (longest == 0)
    refuse("budget", "the threshold table holds no curves",
           "calibrate again with curves: tt-calibrate fit ... --curve");
  return longest;
}

// The table's heads with every candidate k, or the one that is given.
struct World {
  World(const ThresholdTable& of, const std::vector<std::vector<std::int64_t>>& candidates)
      : table(of), k(candidates) {
    const std::size_t cells = table.curves.cells.size();
    choices.resize(cells);
    parallel_for(static_cast<std::int64_t>(cells), [&](std::int64_t cell) {
      const auto at = static_cast<std::size_t>(cell);
      choices[at] = choices_of(table.curves.cells[at], table.meta.placement, k[at]);
    });
    for (const auto& curves : table.curves.cells)
      heads.push_back(head_rows(curves));
  }
  [[nodiscard]] double rows() const {
    return std::accumulate(heads.begin(), heads.end(), 0.0,
                           [](double sum, const HeadRows& head) { return sum + head.rows; });
  }
  [[nodiscard]] double elements() const {
    return std::accumulate(heads.begin(), heads.end(), 0.0,
                           [](double sum, const HeadRows& head) { return sum + head.elements; });
  }
  [[nodiscard]] std::size_t num_heads() const { return static_cast<std::size_t>(table.meta.shape.num_heads); }
  // Heads that share keys and values; 0 where that is not known.
  [[nodiscard]] std::size_t group_heads() const {
    const std::int64_t kv_heads = table.meta.shape.num_kv_heads;
    return kv_heads == 0 ? 0 : static_cast<std::size_t>(table.meta.shape.num_heads / kv_heads);
  }

  const ThresholdTable& table;
  std::vector<std::vector<std::int64_t>> k;  // [cells][candidates]
  std::vector<Choices> choices;              // [cells][candidates]
  std::vector<HeadRows> heads;               // [cells]
};

// V rows over all calibration rows of the group whose first head is `first`. Its heads saw the same rows.
double group_value_rows(const World& world, std::size_t first, const std::vector<std::int64_t>& head_k) {
  const HeadRows& head = world.heads[first];
  double sum = 0;
  std::vector<double> k(world.group_heads());
  for (const RowsOfBin& bin : head.bins) {
    for (std::size_t i = 0; i < k.size(); ++i)
      k[i] = bin.kept(static_cast<double>(head_k[i]));
    sum += bin.rows * value_rows(k, bin.mean);
  }
  return sum;
}

Prediction prediction_of(const World& world, const std::vector<std::size_t>& chosen) {
  Prediction result;
  double cost = 0;
  for (std::size_t cell = 0; cell < chosen.size(); ++cell) {
    cost += world.choices[cell][chosen[cell]].cost;
    result.lost_mass += world.choices[cell][chosen[cell]].loss;
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
  double available = 0;
  for (std::size_t first = 0; first < chosen.size(); first += group) {
    std::vector<std::int64_t> head_k;
    for (std::size_t cell = first; cell < first + group; ++cell)
      head_k.push_back(world.k[cell][chosen[cell]]);
    needed += group_value_rows(world, first, head_k);
    available += world.heads[first].elements;
  }
  result.v_rows = needed / available;
  return result;
}

// What is traded as one: choices, and the candidates of its heads under each.
struct Item {
  Choices choices;
  std::vector<std::vector<std::size_t>> chosen;  // [choices][heads of the item]
  std::size_t first = 0;                         // of its heads
};

Item head_item(const World& world, std::size_t cell) {
  Item item{world.choices[cell], {}, cell};
  for (std::size_t i = 0; i < item.choices.size(); ++i)
    item.chosen.push_back({i});
  return item;
}

// Heads with one k for all of them.
Item common_item(const World& world, std::size_t first, std::size_t count) {
  Item item{Choices(world.choices[first].size()), {}, first};
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    for (std::size_t cell = first; cell < first + count; ++cell) {
      item.choices[i].cost += world.choices[cell][i].cost;
      item.choices[i].loss += world.choices[cell][i].loss;
    }
    item.chosen.emplace_back(count, i);
  }
  return item;
}

// The heads of a KV group, along the allocations that are best among them by kept elements; at the cost of V
// rows.
Item group_item(const World& world, std::size_t first) {
  const std::size_t count = world.group_heads();
  std::vector<std::size_t> chosen;
  struct Gain {
    double paying;
    std::size_t head;
    std::size_t to;
  };
  std::vector<Gain> steps;
  for (std::size_t i = 0; i < count; ++i) {
    const Choices& choices = world.choices[first + i];
    const std::vector<std::size_t> hull = lower_hull(choices);
    chosen.push_back(hull.front());
    for (std::size_t h = 1; h < hull.size(); ++h)
      steps.push_back({(choices[hull[h - 1]].loss - choices[hull[h]].loss) /
                           (choices[hull[h]].cost - choices[hull[h - 1]].cost),
                       i, hull[h]});
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Gain& a, const Gain& b) { return a.paying > b.paying; });
  Item item{{}, {}, first};
  const auto note = [&] {
    Choice choice;
    std::vector<std::int64_t> head_k;
    for (std::size_t i = 0; i < count; ++i) {
      choice.loss += world.choices[first + i][chosen[i]].loss;
      head_k.push_back(world.k[first + i][chosen[i]]);
    }
    choice.cost = group_value_rows(world, first, head_k);
    item.choices.push_back(choice);
    item.chosen.push_back(chosen);
  };
  note();
  for (const Gain& step : steps) {
    chosen[step.head] = step.to;
    note();
  }
  return item;
}

// The cost of the heads' common k in V rows instead of elements.
void count_value_rows(const World& world, Item& item) {
  const std::size_t count = item.chosen.front().size();
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    item.choices[i].cost = 0;
    for (std::size_t first = item.first; first < item.first + count; first += world.group_heads())
      item.choices[i].cost += group_value_rows(
          world, first, std::vector<std::int64_t>(world.group_heads(), world.k[first][item.chosen[i][0]]));
  }
}

std::vector<Item> items_of(const World& world, const Budget& budget) {
  std::vector<Item> items;
  const bool by_rows = budget.kind == BudgetKind::v_rows;
  const std::size_t count = budget.unit == BudgetUnit::layer ? world.num_heads()
                            : by_rows                        ? world.group_heads()
                                                             : 1;
  for (std::size_t first = 0; first < world.choices.size(); first += count) {
    if (budget.unit == BudgetUnit::layer) {
      items.push_back(common_item(world, first, count));
      if (by_rows) count_value_rows(world, items.back());
    } else {
      items.push_back(by_rows ? group_item(world, first) : head_item(world, first));
    }
  }
  return items;
}

void require_amount(const Budget& budget, const World& world) {
  const bool share = budget.kind == BudgetKind::kept_fraction || budget.kind == BudgetKind::v_rows ||
                     budget.kind == BudgetKind::lost_mass;
  if (!(budget.amount > 0) || (share && budget.amount >= 1))
    throw UsageError({.where = "budget",
                      .what = "not an amount",
                      .expected = share ? "a share above 0 and below 1" : "a number above 0",
                      .found = fmt::format("{}", budget.amount)});
  if (budget.smallest_k < 1 || budget.smallest_k > budget.largest_k)
    refuse("--min-k", "the smallest k is not between 1 and the largest", "give --min-k of at most --max-k");
  if (budget.kind == BudgetKind::v_rows && world.group_heads() == 0)
    refuse("--v-rows", "the table does not know the model's KV groups",
           "calibrate again from a model or dump");
}

std::vector<std::vector<std::int64_t>> candidates_of(const ThresholdTable& table, const Budget& budget) {
  const ModelShape& shape = table.meta.shape;
  const std::vector<std::int64_t> candidates =
      candidate_k(longest_row(table), budget.smallest_k, budget.largest_k);
  std::vector<std::vector<std::int64_t>> result(static_cast<std::size_t>(shape.num_layers * shape.num_heads),
                                                candidates);
  // Layers that calibration did not see have no thresholds.
  for (std::int64_t layer = 0; layer < shape.num_layers; ++layer) {
    bool seen = false;
    for (std::int64_t head = 0; head < shape.num_heads; ++head)
      seen = seen || !table.curves.cells[table.cell_index(layer, head)].empty();
    for (std::int64_t head = 0; !seen && head < shape.num_heads; ++head)
      result[table.cell_index(layer, head)] = {kDenseK};
  }
  (void)resolve_layer_k(1, budget.layer_k, shape.num_layers);  // layers in range
  for (const LayerK& given : budget.layer_k)
    for (std::int64_t head = 0; head < shape.num_heads; ++head)
      result[table.cell_index(given.layer, head)] = {given.k};
  return result;
}

Allocation allocate(const World& world, const Budget& budget, const std::vector<Item>& items) {
  std::vector<Choices> choices;
  for (const Item& item : items)
    choices.push_back(item.choices);
  if (budget.kind == BudgetKind::lost_mass) {
    Allocation allocation = reach_loss(choices, budget.amount * world.rows());
    if (allocation.loss > budget.amount * world.rows() * (1 + 1e-12))
      throw UsageError({.where = "--lost-mass",
                        .what = "the limits do not allow to lose so little",
                        .expected = fmt::format("at least {:.6g}", allocation.loss / world.rows()),
                        .found = fmt::format("{}", budget.amount),
                        .next = "raise --max-k or the budget"});
    return allocation;
  }
  double amount = budget.amount;
  if (budget.kind == BudgetKind::kept_fraction) amount *= world.elements();
  if (budget.kind == BudgetKind::kept_elements)
    amount *= world.rows() / static_cast<double>(world.heads.size());
  if (budget.kind == BudgetKind::v_rows) {
    double available = 0;
    for (std::size_t first = 0; first < world.heads.size(); first += world.group_heads())
      available += world.heads[first].elements;
    amount *= available;
  }
  if (budget.kind == BudgetKind::uniform_k) {
    amount = 0;
    for (const HeadRows& head : world.heads)
      amount += head.kept(budget.amount);
  }
  Allocation allocation = share_out(choices, amount);
  if (allocation.cost > amount * (1 + 1e-12))
    throw UsageError({.where = "budget",
                      .what = "the smallest k of all heads keep more than that",
                      .expected = fmt::format("at least {:.6g}", budget.amount * allocation.cost / amount),
                      .found = fmt::format("{}", budget.amount),
                      .next = "lower --min-k, or raise the budget"});
  return allocation;
}

// One k for every head, and what it keeps.
double uniform_cost(const World& world, std::int64_t k) {
  double cost = 0;
  for (const HeadRows& head : world.heads)
    cost += head.kept(static_cast<double>(k));
  return cost;
}

std::int64_t uniform_k_of(const World& world, double cost) {
  std::int64_t low = 1;
  std::int64_t high = longest_row(world.table) + std::int64_t{1};
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (uniform_cost(world, middle) <= cost ? low : high) = middle;
  }
  return cost - uniform_cost(world, low) < uniform_cost(world, high) - cost ? low : high;
}

}  // namespace

double value_rows(const std::vector<double>& k, double n) {
  double missed = 1;
  for (const double one : k)
    missed *= 1 - std::min(one, n) / n;
  return n * (1 - missed);
}

Prediction predict(const ThresholdTable& table, const std::vector<std::int64_t>& head_k) {
  (void)longest_row(table);
  std::vector<std::vector<std::int64_t>> single;
  for (const std::int64_t k : head_k)
    single.push_back({k});
  return prediction_of(World(table, single), std::vector<std::size_t>(head_k.size(), 0));
}

BudgetPlan plan_budget(const ThresholdTable& table, const Budget& budget) {
  const World world(table, candidates_of(table, budget));
  require_amount(budget, world);
  const std::vector<Item> items = items_of(world, budget);
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
  plan.bound = allocation.bound / (budget.kind == BudgetKind::lost_mass ? world.elements() : world.rows());
  plan.uniform_k = uniform_k_of(world, cost);
  plan.uniform = predict(table, std::vector<std::int64_t>(chosen.size(), plan.uniform_k));
  return plan;
}

}  // namespace toptheta
