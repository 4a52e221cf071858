// Inside calibration: the heads of a table as a budget sees them, and what is traded as one.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/allocation.hpp"
#include "calibration/budget.hpp"
#include "calibration/head_costs.hpp"

namespace toptheta {

// The table's heads with every candidate k, or the one that is given.
struct BudgetWorld {
  // The table must outlive this object. Time: O(candidates of all heads * curves * log bins).
  BudgetWorld(const ThresholdTable& of, std::vector<std::vector<std::int64_t>> candidates,
              std::vector<double> of_mass);

  [[nodiscard]] double rows() const;      // of all heads
  [[nodiscard]] double elements() const;  // visible
  // Elements that one k in every head keeps.
  [[nodiscard]] double kept_under(double k) const;
  [[nodiscard]] std::size_t num_heads() const { return static_cast<std::size_t>(table.meta.shape.num_heads); }
  // Heads that share keys and values; 0 where that is not known.
  [[nodiscard]] std::size_t group_heads() const;
  // V rows over all calibration rows of the group whose first head is `first`; k of its heads. They saw the
  // same rows.
  [[nodiscard]] double group_value_rows(std::size_t first, const std::vector<std::int64_t>& group_k) const;
  // Lost mass of a cell's candidate as it counts: summed over rows, by weight the mean over rows.
  [[nodiscard]] double loss(std::size_t cell, std::size_t candidate) const;
  // V rows that there are, for all groups.
  [[nodiscard]] double all_value_rows() const;

  const ThresholdTable& table;
  std::vector<std::vector<std::int64_t>> k;  // [cells][candidates]
  std::vector<std::vector<Choice>> choices;  // [cells][candidates]
  std::vector<HeadRows> heads;               // [cells]
  std::vector<double> weights;               // [cells], or none
};

// A head, a layer or a KV group: its choices, and the candidates of its heads under each.
struct BudgetItem {
  std::vector<Choice> choices;
  std::vector<std::vector<std::size_t>> chosen;  // [choices][heads of the item]
  std::size_t first = 0;                         // of its heads
};

// By layer, heads share one k. By head, each is its own item; under a budget of V rows a KV group is one,
// along the allocations that are best among its heads by kept elements, at the cost of V rows.
std::vector<BudgetItem> budget_items(const BudgetWorld& world, BudgetUnit unit, bool by_value_rows);

}  // namespace toptheta
