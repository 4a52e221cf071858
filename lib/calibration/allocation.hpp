// One budget shared out among many: a choice for each item, so that all together lose least.
//
// The multiple-choice knapsack, solved on the lower convex hulls of the items' choices: steps are taken in
// the order of what they save per cost (Sinha and Zoltners, 1979). Where hulls are left in the middle of a
// step, what is left over goes to steps that still fit.
#pragma once
#include <cstddef>
#include <vector>

namespace toptheta {

// One of an item's choices.
struct Choice {
  double cost = 0;
  double loss = 0;
};

struct Allocation {
  std::vector<std::size_t> chosen;  // for each item, an index into its choices
  double cost = 0;
  double loss = 0;
  // Of share_out(): no allocation within the budget loses less than this (the Lagrangian bound). Of
  // reach_loss(): none that loses so little costs less. The result is off the best by at most one step of one
  // item, and equals it where the bound is met.
  double bound = 0;
};

// Each item needs at least one choice; costs ascend. Time: O(choices log choices) in all.

// The least loss within a budget. Where even the cheapest choices cost more than the budget, these.
Allocation share_out(const std::vector<std::vector<Choice>>& items, double budget);
// The least cost for a loss of at most `loss`. Where even the dearest choices lose more, these.
Allocation reach_loss(const std::vector<std::vector<Choice>>& items, double loss);

// Indices of the choices on the lower convex hull: cost ascends, loss falls, less and less steeply.
std::vector<std::size_t> lower_hull(const std::vector<Choice>& choices);

}  // namespace toptheta
