#include "calibration/budget_items.hpp"

#include <algorithm>
#include <numeric>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

BudgetItem head_item(const BudgetWorld& world, std::size_t cell) {
  BudgetItem item{world.choices[cell], {}, cell};
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    item.choices[i].loss = world.loss(cell, i);
    item.chosen.push_back({i});
  }
  return item;
}

// `count` heads from `first` on, which share one k.
BudgetItem common_item(const BudgetWorld& world, std::size_t first, std::size_t count) {
  BudgetItem item{std::vector<Choice>(world.choices[first].size()), {}, first};
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    for (std::size_t cell = first; cell < first + count; ++cell) {
      item.choices[i].cost += world.choices[cell][i].cost;
      item.choices[i].loss += world.loss(cell, i);
    }
    item.chosen.emplace_back(count, i);
  }
  return item;
}

// A KV group. Its choices are the allocations that are best among its heads by kept elements, priced in V
// rows.
BudgetItem group_item(const BudgetWorld& world, std::size_t first) {
  const std::size_t count = world.group_heads();
  std::vector<std::size_t> chosen;
  struct Gain {
    double paying;
    std::size_t head;
    std::size_t to;
  };
  std::vector<Gain> steps;
  for (std::size_t i = 0; i < count; ++i) {
    const std::vector<Choice> choices = head_item(world, first + i).choices;
    const std::vector<std::size_t> hull = lower_hull(choices);
    chosen.push_back(hull.front());
    for (std::size_t h = 1; h < hull.size(); ++h)
      steps.push_back({(choices[hull[h - 1]].loss - choices[hull[h]].loss) /
                           (choices[hull[h]].cost - choices[hull[h - 1]].cost),
                       i, hull[h]});
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Gain& a, const Gain& b) { return a.paying > b.paying; });
  BudgetItem item{{}, {}, first};
  const auto note = [&] {
    Choice choice;
    std::vector<std::int64_t> head_k;
    for (std::size_t i = 0; i < count; ++i) {
      choice.loss += world.loss(first + i, chosen[i]);
      head_k.push_back(world.k[first + i][chosen[i]]);
    }
    choice.cost = world.group_value_rows(first, head_k);
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

// Prices an item whose heads share one k in V rows instead of elements.
void count_value_rows(const BudgetWorld& world, BudgetItem& item) {
  const std::size_t count = item.chosen.front().size();
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    item.choices[i].cost = 0;
    for (std::size_t first = item.first; first < item.first + count; first += world.group_heads())
      item.choices[i].cost += world.group_value_rows(
          first, std::vector<std::int64_t>(world.group_heads(), world.k[first][item.chosen[i][0]]));
  }
}

}  // namespace

BudgetWorld::BudgetWorld(const ThresholdTable& of, std::vector<std::vector<std::int64_t>> candidates,
                         std::vector<double> of_mass)
    : table(of), k(std::move(candidates)), weights(std::move(of_mass)) {
  const std::size_t cells = table.curves.cells.size();
  choices.resize(cells);
  parallel_for(static_cast<std::int64_t>(cells), [&](std::int64_t cell) {
    const auto at = static_cast<std::size_t>(cell);
    choices[at] = choices_of(table.curves.cells[at], table.meta.placement, k[at]);
  });
  for (const auto& curves : table.curves.cells)
    heads.push_back(head_rows(curves));
}

double BudgetWorld::rows() const {
  return std::accumulate(heads.begin(), heads.end(), 0.0,
                         [](double sum, const RowsOfHead& head) { return sum + head.rows; });
}

double BudgetWorld::elements() const {
  return std::accumulate(heads.begin(), heads.end(), 0.0,
                         [](double sum, const RowsOfHead& head) { return sum + head.elements; });
}

double BudgetWorld::kept_under(double one_k) const {
  return std::accumulate(heads.begin(), heads.end(), 0.0,
                         [one_k](double sum, const RowsOfHead& head) { return sum + head.kept(one_k); });
}

std::size_t BudgetWorld::group_heads() const {
  const std::int64_t kv_heads = table.meta.shape.num_kv_heads;
  return kv_heads == 0 ? 0 : static_cast<std::size_t>(table.meta.shape.num_heads / kv_heads);
}

double BudgetWorld::group_value_rows(std::size_t first, const std::vector<std::int64_t>& group_k) const {
  double sum = 0;
  std::vector<double> kept(group_k.size());
  for (const RowsOfBin& bin : heads[first].bins) {
    for (std::size_t i = 0; i < kept.size(); ++i)
      kept[i] = bin.kept(static_cast<double>(group_k[i]));
    sum += bin.rows * value_rows(kept, bin.mean);
  }
  return sum;
}

double BudgetWorld::loss(std::size_t cell, std::size_t candidate) const {
  const double lost = choices[cell][candidate].loss;
  return weights.empty() ? lost : weights[cell] * lost / std::max(1.0, heads[cell].rows);
}

double BudgetWorld::all_value_rows() const {
  double sum = 0;
  for (std::size_t first = 0; first < heads.size(); first += group_heads())
    sum += heads[first].elements;
  return sum;
}

std::vector<BudgetItem> budget_items(const BudgetWorld& world, BudgetUnit unit, bool by_value_rows) {
  std::vector<BudgetItem> items;
  const std::size_t count = unit == BudgetUnit::layer ? world.num_heads()
                            : by_value_rows           ? world.group_heads()
                                                      : 1;
  for (std::size_t first = 0; first < world.choices.size(); first += count) {
    if (unit == BudgetUnit::layer) {
      items.push_back(common_item(world, first, count));
      if (by_value_rows) count_value_rows(world, items.back());
    } else {
      items.push_back(by_value_rows ? group_item(world, first) : head_item(world, first));
    }
  }
  return items;
}

}  // namespace toptheta
