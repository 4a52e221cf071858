// Divides one budget among many items: picks a choice for each, so that all together lose least.
//
// This is the multiple-choice knapsack problem, solved greedily on the lower convex hulls of the items'
// choices: steps along the hulls are taken in the order of what they save per cost (Sinha and Zoltners,
// 1979). When the next step no longer fits, the rest of the budget goes to a part of it and to later steps
// that fit.
#pragma once
#include <cstddef>
#include <vector>

namespace toptheta {

// One of the choices that an item offers.
struct Choice {
  double cost = 0;
  double loss = 0;
};

struct Allocation {
  std::vector<std::size_t> chosen;  // for each item, an index into its choices
  double cost = 0;
  double loss = 0;
  // The Lagrangian bound. From share_out(): no allocation within the budget loses less than this. From
  // reach_loss(): no allocation that loses as little costs less than this. The result is at most one step of
  // one item away from the best allocation, and is the best if it meets the bound.
  double bound = 0;
};

// For the functions below, each item needs at least one choice, and its choices must be in ascending order of
// cost. Time: O(c log c) for c choices in all.

// The allocation that loses least within a budget. If even the cheapest choices cost more than the budget,
// the result is these choices.
Allocation share_out(const std::vector<std::vector<Choice>>& items, double budget);
// The cheapest allocation that loses at most `loss`. If even the choices of least loss lose more, the result
// is these choices.
Allocation reach_loss(const std::vector<std::vector<Choice>>& items, double loss);

// The indices of the choices on the lower convex hull. Along it, cost rises and loss falls, ever less
// steeply.
std::vector<std::size_t> lower_hull(const std::vector<Choice>& choices);

}  // namespace toptheta
