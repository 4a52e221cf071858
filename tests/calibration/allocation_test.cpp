// The allocation against trying everything.
#include "calibration/allocation.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

using Items = std::vector<std::vector<Choice>>;

// Calls visit(cost, loss) for every combination of choices.
void try_all(const Items& items, const std::function<void(double, double)>& visit, std::size_t item = 0,
             double cost = 0, double loss = 0) {
  if (item == items.size()) return visit(cost, loss);
  for (const Choice& choice : items[item])
    try_all(items, visit, item + 1, cost + choice.cost, loss + choice.loss);
}

double least_loss(const Items& items, double budget) {
  double best = std::numeric_limits<double>::infinity();
  try_all(items, [&](double cost, double loss) {
    if (cost <= budget) best = std::min(best, loss);
  });
  return best;
}

double least_cost(const Items& items, double most) {
  double best = std::numeric_limits<double>::infinity();
  try_all(items, [&](double cost, double loss) {
    if (loss <= most) best = std::min(best, cost);
  });
  return best;
}

// Costs 0, 1, 2 ...; losses that fall, by less and less where `convex`.
Items random_items(bool convex, std::uint64_t seed) {
  Random random(seed);
  Items items(4);
  for (auto& item : items) {
    std::vector<double> savings(5);
    for (double& saving : savings)
      saving = random.uniform();
    if (convex) std::sort(savings.begin(), savings.end(), std::greater<>());
    double loss = 3;
    item.push_back({0, loss});
    for (std::size_t i = 0; i < savings.size(); ++i)
      item.push_back({static_cast<double>(i + 1), loss -= savings[i]});
  }
  return items;
}

void check_whole(const Items& items, const Allocation& allocation) {
  double cost = 0;
  double loss = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    cost += items[i][allocation.chosen[i]].cost;
    loss += items[i][allocation.chosen[i]].loss;
  }
  CHECK(allocation.cost == Approx(cost));
  CHECK(allocation.loss == Approx(loss));
}

}  // namespace

TEST_CASE("with convex losses and steps of one cost, the allocation is the best there is") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Items items = random_items(true, seed);
    for (int budget = 0; budget <= 20; ++budget) {
      const Allocation found = share_out(items, budget);
      check_whole(items, found);
      CHECK(found.cost <= budget);
      CHECK(found.loss == Approx(least_loss(items, budget)));
      CHECK(found.bound == Approx(found.loss));
    }
    for (const double loss : {2.0, 4.0, 6.5, 9.0, 11.9}) {
      const double best = least_cost(items, loss);
      const Allocation found = reach_loss(items, loss);
      check_whole(items, found);
      if (best > 100) continue;  // cannot be reached
      CHECK(found.loss <= loss);
      CHECK(found.cost == Approx(best));
      CHECK(found.bound <= best + 1e-9);
      CHECK(found.bound > best - 1);
    }
  }
}

TEST_CASE("whatever the losses, the best lies between the bound and one step above it") {
  int equal = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Items items = random_items(false, seed);
    double largest_step = 0;
    for (const auto& item : items) {
      const std::vector<std::size_t> hull = lower_hull(item);
      for (std::size_t i = 1; i < hull.size(); ++i)
        largest_step = std::max(largest_step, item[hull[i - 1]].loss - item[hull[i]].loss);
    }
    for (const double budget : {1.5, 4.0, 7.0, 11.0, 16.0}) {
      const double best = least_loss(items, budget);
      const Allocation found = share_out(items, budget);
      check_whole(items, found);
      CHECK(found.cost <= budget);
      CHECK(found.bound <= best + 1e-9);
      CHECK(found.loss >= best - 1e-9);
      CHECK(found.loss <= found.bound + largest_step + 1e-9);
      equal += found.loss < best + 1e-9 ? 1 : 0;
      const Allocation reached = reach_loss(items, best);
      CHECK(reached.loss <= best + 1e-9);
      CHECK(reached.bound <= least_cost(items, best) + 1e-9);
    }
  }
  CHECK(equal > 100);  // of 200
}

TEST_CASE("the hull skips what is dearer and no better, and what lies above a straight line") {
  const std::vector<Choice> choices = {{0, 10}, {1, 10}, {2, 9}, {2, 4}, {3, 3.5}, {4, 2}, {5, 2}};
  CHECK(lower_hull(choices) == std::vector<std::size_t>{0, 3, 5});
  CHECK(lower_hull({{3, 1}}) == std::vector<std::size_t>{0});
}

TEST_CASE("where nothing fits the cheapest, where everything fits the best") {
  const Items items = random_items(true, 3);
  CHECK(share_out(items, -1).cost == 0);
  CHECK(share_out(items, 1000).cost == 20);
  CHECK(share_out(items, 1000).bound == Approx(share_out(items, 1000).loss));
  CHECK(reach_loss(items, 1000).cost == 0);
  CHECK(reach_loss(items, -1).cost == 20);
}
