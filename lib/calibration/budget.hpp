// A k for every head from one budget for all of them, so that the least softmax mass is lost: what a table's
// curves say that each k keeps, shared out by calibration/allocation.hpp. docs/calibration.md, "Budget".
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

enum class BudgetKind {
  kept_fraction,  // share of the visible elements of the calibration rows; rows with n <= k keep all
  kept_elements,  // elements that a token's row keeps, all heads of all layers together, mean over rows
  uniform_k,      // the elements that this k in every head keeps
  v_rows,         // share of the V rows that a decode step reads (value_rows())
  lost_mass,      // mean softmax mass that a row loses: the fewest elements that lose no more
};
template <>
inline constexpr auto kNames<BudgetKind> =
    std::to_array<Named<BudgetKind>>({{BudgetKind::kept_fraction, "kept-fraction"},
                                      {BudgetKind::kept_elements, "kept-elements"},
                                      {BudgetKind::uniform_k, "uniform-k"},
                                      {BudgetKind::v_rows, "v-rows"},
                                      {BudgetKind::lost_mass, "lost-mass"}});

// Whose k are chosen apart from each other.
enum class BudgetUnit { head, layer };
template <>
inline constexpr auto kNames<BudgetUnit> = std::to_array<Named<BudgetUnit>>({{BudgetUnit::layer, "layer"},
                                                                             {BudgetUnit::head, "head"}});

struct Budget {
  BudgetKind kind = BudgetKind::kept_fraction;
  double amount = 0;
  BudgetUnit unit = BudgetUnit::head;
  std::int64_t smallest_k = 1;
  std::int64_t largest_k = kDenseK;  // kDenseK: heads may become dense
  std::vector<LayerK> layer_k{};     // layers whose k is given; what they keep counts
  // [layers * heads], what a row's lost mass in a head costs, such as nats of the nll (tt-eval sensitivity):
  // the least sum of these is looked for. Empty: all alike. Not with lost_mass.
  std::vector<double> weights{};
};

// What some k of all heads keep, as the curves have it.
struct Prediction {
  double kept_elements = 0;  // share of the visible
  double per_row = 0;        // elements that a token's row keeps, all heads together
  double v_rows = 0;         // NaN where the model's KV groups are not known
  double lost_mass = 0;      // mean over rows of all heads
  double cost = 0;           // Budget::weights times each head's mean lost mass; NaN without weights
};

struct BudgetedHead {
  double kept = 0;  // mean per row, rows with n <= k included
  double lost_mass = 0;
};

struct BudgetPlan {
  std::vector<std::int64_t> head_k{};  // [layers * heads]; kDenseK where all of a head's rows are kept
  std::vector<BudgetedHead> heads{};   // [layers * heads]
  Prediction predicted{};
  // Nothing within the budget loses less mass, or costs less by weights; with lost_mass: keeps a smaller
  // share.
  double bound = 0;
  std::int64_t uniform_k = 0;  // the one k for every head that keeps most nearly as many elements,
  Prediction uniform{};        // and what it loses
};

// Candidates are all k up to 64 and 32 to the octave beyond. For elements and for lost mass the plan is the
// best allocation of these but for at most one step of one head (allocation.hpp; `bound` says how far). For V
// rows the heads of a KV group are traded by kept elements and groups by the V rows of value_rows(): the
// bound then holds among such allocations. Throws UsageError without curves, for amounts and limits that
// cannot be met, for V rows of a model whose KV groups are not known. Time: O(heads * candidates * curves *
// log bins).
BudgetPlan plan_budget(const ThresholdTable& table, const Budget& budget);

// What these k would keep: [layers * heads]; `weights` as in Budget.
Prediction predict(const ThresholdTable& table, const std::vector<std::int64_t>& head_k,
                   const std::vector<double>& weights = {});

// V rows that a decode step of n keys reads for a KV group whose heads keep k[i] keys each, were their
// choices independent: n (1 - product of (1 - k[i] / n)). Heads of a group agree more than that, so that it
// is rather too high; the sum of k is never exceeded.
double value_rows(const std::vector<double>& k, double n);

}  // namespace toptheta
