#include "calibration/allocation.hpp"

#include <algorithm>
#include <cassert>

namespace toptheta {

namespace {

// A step from one choice on an item's hull to the next.
struct Step {
  std::size_t item = 0;
  std::size_t from = 0;
  std::size_t to = 0;
  double cost = 0;    // by how much the cost rises
  double saving = 0;  // by how much the loss falls
};

// Whether step a saves more loss per cost than step b. Since hulls are convex, this keeps the steps of one
// item in their order.
bool pays_more(const Step& a, const Step& b) {
  const double left = a.saving * b.cost;
  const double right = b.saving * a.cost;
  if (left != right) return left > right;
  return a.item != b.item ? a.item < b.item : a.from < b.from;
}

std::vector<Step> steps_of(const std::vector<std::vector<Choice>>& items) {
  std::vector<Step> steps;
  for (std::size_t item = 0; item < items.size(); ++item) {
    const std::vector<std::size_t> hull = lower_hull(items[item]);
    for (std::size_t i = 1; i < hull.size(); ++i) {
      const Choice& from = items[item][hull[i - 1]];
      const Choice& to = items[item][hull[i]];
      steps.push_back({item, hull[i - 1], hull[i], to.cost - from.cost, from.loss - to.loss});
    }
  }
  std::sort(steps.begin(), steps.end(), pays_more);
  return steps;
}

Allocation cheapest(const std::vector<std::vector<Choice>>& items) {
  Allocation allocation;
  for (const std::vector<Choice>& choices : items) {
    assert(!choices.empty());
    allocation.chosen.push_back(lower_hull(choices).front());
    allocation.cost += choices[allocation.chosen.back()].cost;
    allocation.loss += choices[allocation.chosen.back()].loss;
  }
  return allocation;
}

void choose(const std::vector<std::vector<Choice>>& items, std::size_t item, std::size_t choice,
            Allocation& allocation) {
  const Choice& from = items[item][allocation.chosen[item]];
  const Choice& to = items[item][choice];
  allocation.cost += to.cost - from.cost;
  allocation.loss += to.loss - from.loss;
  allocation.chosen[item] = choice;
}

// Takes the choice between the ends of a step, on the hull or not, that fits into the budget and loses least.
void take_part(const std::vector<std::vector<Choice>>& items, const Step& step, double budget,
               Allocation& allocation) {
  const std::vector<Choice>& choices = items[step.item];
  std::size_t best = step.from;
  for (std::size_t i = step.from + 1; i < step.to; ++i)
    if (allocation.cost + choices[i].cost - choices[step.from].cost <= budget &&
        choices[i].loss < choices[best].loss)
      best = i;
  choose(items, step.item, best, allocation);
}

}  // namespace

std::vector<std::size_t> lower_hull(const std::vector<Choice>& choices) {
  std::vector<std::size_t> hull;
  // Whether b is on or above the line from a to c.
  const auto above = [&](std::size_t a, std::size_t b, std::size_t c) {
    const double left = (choices[a].loss - choices[b].loss) * (choices[c].cost - choices[b].cost);
    const double right = (choices[b].loss - choices[c].loss) * (choices[b].cost - choices[a].cost);
    return left <= right;
  };
  for (std::size_t i = 0; i < choices.size(); ++i) {
    assert(i == 0 || choices[i].cost >= choices[i - 1].cost);
    if (!hull.empty() && choices[i].loss >= choices[hull.back()].loss)
      continue;  // costs as much or more in vain
    if (!hull.empty() && choices[i].cost == choices[hull.back()].cost) hull.pop_back();
    while (hull.size() >= 2 && above(hull[hull.size() - 2], hull.back(), i))
      hull.pop_back();
    hull.push_back(i);
  }
  return hull;
}

Allocation share_out(const std::vector<std::vector<Choice>>& items, double budget) {
  Allocation allocation = cheapest(items);
  bool bounded = false;
  std::vector<bool> closed(items.size(), false);
  for (const Step& step : steps_of(items)) {
    if (closed[step.item]) continue;
    if (allocation.cost + step.cost <= budget) {
      choose(items, step.item, step.to, allocation);
      continue;
    }
    if (!bounded) {
      const double left = std::max(0.0, budget - allocation.cost);
      allocation.bound = allocation.loss - step.saving * left / step.cost;
      bounded = true;
    }
    take_part(items, step, budget, allocation);
    closed[step.item] = true;
  }
  if (!bounded) allocation.bound = allocation.loss;
  return allocation;
}

Allocation reach_loss(const std::vector<std::vector<Choice>>& items, double loss) {
  Allocation allocation = cheapest(items);
  allocation.bound = allocation.cost;
  for (const Step& step : steps_of(items)) {
    if (allocation.loss <= loss) return allocation;
    const double wanted = std::min(1.0, (allocation.loss - loss) / step.saving);
    allocation.bound = allocation.cost + wanted * step.cost;
    if (wanted < 1) {
      // Take the cheapest choice within this last step that loses little enough.
      const std::vector<Choice>& choices = items[step.item];
      for (std::size_t i = step.from + 1; i <= step.to; ++i) {
        if (allocation.loss - (choices[step.from].loss - choices[i].loss) > loss) continue;
        choose(items, step.item, i, allocation);
        return allocation;
      }
    }
    choose(items, step.item, step.to, allocation);
  }
  return allocation;
}

}  // namespace toptheta
