// Internal to calibration: the heads of a table as a budget sees them, and the units that it trades.
#pragma once
#include <cstdint>
#include <vector>

#include "calibration/allocation.hpp"
#include "calibration/budget.hpp"
#include "calibration/head_costs.hpp"

namespace toptheta {

// The table's heads and their candidate k. A head whose k is fixed has that one candidate.
struct BudgetWorld {
  // The table must outlive this object. Time: O(candidates of all heads * curves * log bins).
  BudgetWorld(const ThresholdTable& of, std::vector<std::vector<std::int64_t>> candidates,
              std::vector<double> of_mass);

  [[nodiscard]] double rows() const;      // calibration rows of all heads
  [[nodiscard]] double elements() const;  // visible elements of all heads
  // The elements that are kept if every head has this k.
  [[nodiscard]] double kept_under(double k) const;
  [[nodiscard]] std::size_t num_heads() const { return static_cast<std::size_t>(table.meta.shape.num_heads); }
  // How many heads share one KV head; 0 if that is not known.
  [[nodiscard]] std::size_t group_heads() const;
  // The V rows read over all calibration rows by the group whose first cell is `first` and whose heads have
  // the k `group_k`. All heads of a group saw the same rows.
  [[nodiscard]] double group_value_rows(std::size_t first, const std::vector<std::int64_t>& group_k) const;
  // The loss that a cell's candidate counts for: lost mass summed over rows or, with weights, the weight
  // times the mean lost mass.
  [[nodiscard]] double loss(std::size_t cell, std::size_t candidate) const;
  // The V rows that all groups read if they are dense.
  [[nodiscard]] double all_value_rows() const;

  const ThresholdTable& table;
  std::vector<std::vector<std::int64_t>> k;  // [cells][candidates]
  std::vector<std::vector<Choice>> choices;  // [cells][candidates] cost in kept elements, loss in lost mass
  std::vector<RowsOfHead> heads;             // [cells]
  std::vector<double> weights;               // [cells], or empty
};

// What a budget trades as one: a head, a layer or a KV group.
struct BudgetItem {
  std::vector<Choice> choices;
  std::vector<std::vector<std::size_t>> chosen;  // [choices][heads of the item] index into the candidates
  std::size_t first = 0;                         // cell of its first head
};

// By layer, the heads of a layer form an item and share one k. By head, each head is an item; but under a
// budget of V rows each KV group is one, whose choices are the allocations that are best among its heads by
// kept elements, priced in V rows.
std::vector<BudgetItem> budget_items(const BudgetWorld& world, BudgetUnit unit, bool by_value_rows);

}  // namespace toptheta
