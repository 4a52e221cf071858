// Chooses a k for every head under one budget for all heads, so that the least softmax mass is lost. The
// table's curves tell what each k keeps and loses; calibration/allocation.hpp divides the budget.
// docs/calibration.md, "Budget".
#pragma once
#include <cstdint>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

enum class BudgetKind {
  kept_fraction,  // share of the visible elements of the calibration rows; rows with n <= k keep all
  kept_elements,  // elements kept per token, summed over all heads of all layers; a mean over rows
  uniform_k,      // as many elements as this k in every head keeps
  v_rows,         // share of the V rows that a decode step reads (value_rows())
  lost_mass,      // mean softmax mass that a row may lose; the plan keeps as few elements as possible
};
template <>
inline constexpr auto kNames<BudgetKind> =
    std::to_array<Named<BudgetKind>>({{BudgetKind::kept_fraction, "kept-fraction"},
                                      {BudgetKind::kept_elements, "kept-elements"},
                                      {BudgetKind::uniform_k, "uniform-k"},
                                      {BudgetKind::v_rows, "v-rows"},
                                      {BudgetKind::lost_mass, "lost-mass"}});

// What gets a k of its own.
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
  std::vector<LayerK> layer_k{};     // layers whose k is fixed; what they keep counts towards the budget
  // [layers * heads] what a unit of lost mass costs in each head, for instance in nats of NLL (tt-eval
  // sensitivity). The plan then minimizes the sum of these costs instead of the lost mass. Empty: all heads
  // count alike. Not to be combined with lost_mass.
  std::vector<double> weights{};
};

// What a k for each head keeps and loses, according to the curves.
struct Prediction {
  double kept_elements = 0;  // share of the visible elements
  double per_row = 0;        // elements kept per token, summed over all heads
  double v_rows = 0;         // share of the V rows; NaN if the model's KV groups are not known
  double lost_mass = 0;      // mean over the rows of all heads
  double cost = 0;           // sum over heads of Budget::weights times mean lost mass; NaN without weights
};

struct BudgetedHead {
  double kept = 0;       // elements per row, rows with n <= k included
  double lost_mass = 0;  // per row, likewise
};

struct BudgetPlan {
  std::vector<std::int64_t> head_k{};  // [layers * heads]; kDenseK where all of a head's rows are kept
  std::vector<BudgetedHead> heads{};   // [layers * heads]
  Prediction predicted{};
  // No allocation within the budget loses less mass (or, with weights, costs less) than this. With lost_mass:
  // no allocation that loses as little keeps a smaller share of the elements.
  double bound = 0;
  std::int64_t uniform_k = 0;  // the single k for every head that keeps most nearly as many elements
  Prediction uniform{};        // what that k keeps and loses, for comparison
};

// Candidates are every k up to 64 and 32 per octave beyond. For budgets of elements and of lost mass, the
// plan is at most one step of one head away from the best allocation (allocation.hpp); `bound` tells how far.
// For V rows, heads within a KV group are traded by kept elements, and groups by value_rows(): the bound then
// holds among such allocations only. Throws UsageError for a table without curves, for amounts and limits
// that cannot be met, and for V rows of a model whose KV groups are not known; InputError for weights of
// another number of heads. Time: O(heads * candidates * curves * log bins).
BudgetPlan plan_budget(const ThresholdTable& table, const Budget& budget);

// What these k, [layers * heads], would keep and lose; `weights` as in Budget. Throws UsageError for a table
// without curves.
Prediction predict(const ThresholdTable& table, const std::vector<std::int64_t>& head_k,
                   const std::vector<double>& weights = {});

// The V rows that a decode step over n keys reads for a KV group whose head i keeps k[i] keys, if the heads
// chose independently: n (1 - product of (1 - k[i] / n)). Real heads of a group agree more often, so the
// figure is rather too high; it never exceeds the sum of k.
double value_rows(const std::vector<double>& k, double n);

}  // namespace toptheta
