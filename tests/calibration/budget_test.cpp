// Budgets against trying every combination, and against what thresholds of the chosen k then keep.
#include "calibration/budget.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "calibration/curve_fitter.hpp"
#include "calibration/head_costs.hpp"
#include "calibration/retarget.hpp"
#include "calibration/row_auditor.hpp"
#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int64_t kLayers = 2;
constexpr std::int64_t kHeads = 2;
constexpr std::int32_t kTokens = 60;

// Heads from flat to steep: one that needs all its keys, one that needs a few.
std::vector<RandomScores> samples() {
  std::vector<RandomScores> result;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    result.emplace_back(kLayers, kHeads, kTokens, seed);
    for (std::int64_t cell = 0; cell < kLayers * kHeads; ++cell)
      for (std::int32_t n = 1; n <= kTokens; ++n)
        for (float& s : result.back().row(cell / kHeads, cell % kHeads, n))
          s *= std::array{0.05F, 0.4F, 1.0F, 2.0F}[static_cast<std::size_t>(cell)];
  }
  return result;
}

ThresholdTable table_of(Placement placement, std::int64_t kv_heads = 1) {
  ThresholdTable table;
  table.meta.shape = {kLayers, kHeads, kv_heads, 8};
  table.meta.placement = placement;
  CurveFitter fitter(placement, Placement::pre_softmax, table.meta.shape);
  for (const RandomScores& scores : samples())
    scores.feed(fitter, 9);
  table.curves = fitter.curves();
  return table;
}

double least_loss(const ThresholdTable& table, double kept, std::int64_t largest) {
  double best = 1;
  std::vector<std::int64_t> k(4);
  for (k[0] = 1; k[0] <= largest; ++k[0])
    for (k[1] = 1; k[1] <= largest; ++k[1])
      for (k[2] = 1; k[2] <= largest; ++k[2])
        for (k[3] = 1; k[3] <= largest; ++k[3]) {
          const Prediction prediction = predict(table, k);
          if (prediction.kept_elements <= kept * (1 + 1e-12)) best = std::min(best, prediction.lost_mass);
        }
  return best;
}

}  // namespace

TEST_CASE("a budget of elements is spent as trying every combination would") {
  const ThresholdTable table = table_of(Placement::post_softmax);
  const double kept = predict(table, {4, 4, 4, 4}).kept_elements;
  const BudgetPlan plan = plan_budget(table, {.kind = BudgetKind::uniform_k, .amount = 4, .largest_k = 9});
  CHECK(plan.predicted.kept_elements <= kept * (1 + 1e-9));
  CHECK(plan.uniform_k == 4);
  CHECK(plan.uniform.lost_mass == Approx(predict(table, {4, 4, 4, 4}).lost_mass));
  const double best = least_loss(table, kept, 9);
  CHECK(plan.bound <= best + 1e-9);
  CHECK(plan.predicted.lost_mass >= best - 1e-9);
  CHECK(plan.predicted.lost_mass - best < 0.002);  // one step of one head: about a key of 4
  CHECK(plan.predicted.lost_mass < plan.uniform.lost_mass - 0.002);
  // The same budget, said otherwise.
  const BudgetPlan fraction =
      plan_budget(table, {.kind = BudgetKind::kept_fraction, .amount = kept * (1 + 1e-9), .largest_k = 9});
  CHECK(fraction.head_k == plan.head_k);
  const BudgetPlan elements = plan_budget(table, {.kind = BudgetKind::kept_elements,
                                                  .amount = predict(table, {4, 4, 4, 4}).per_row * (1 + 1e-9),
                                                  .largest_k = 9});
  CHECK(elements.head_k == plan.head_k);
}

TEST_CASE("thresholds of the chosen k keep and lose what was predicted") {
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    ThresholdTable table = table_of(placement);
    const BudgetPlan plan = plan_budget(table, {.kind = BudgetKind::kept_fraction, .amount = 0.3});
    table.targets.push_back(pooled_target_by_head(table, plan.head_k));
    CHECK(table.targets[0].head_k == plan.head_k);
    CHECK(table.targets[0].k == mean_k(plan.head_k));
    RowAuditor auditor(table, {table.targets[0].k}, Placement::pre_softmax, kTokens);
    auditor.start_document();
    for (const RandomScores& scores : samples())
      scores.feed(auditor, 9);
    double kept = 0;
    double lost = 0;
    for (std::size_t cell = 0; cell < 4; ++cell) {
      kept += static_cast<double>(auditor.counts(0, cell)[0].kept);
      lost += auditor.head(0, cell).lost_mass;
    }
    const double visible = 6.0 * 4 * kTokens * (kTokens + 1) / 2;
    CHECK(kept / visible == Approx(plan.predicted.kept_elements).epsilon(0.03));
    CHECK(plan.predicted.kept_elements == Approx(0.3).epsilon(0.02));
    CHECK(lost / (6.0 * 4 * kTokens) == Approx(plan.predicted.lost_mass).epsilon(0.08));
  }
}

TEST_CASE("a lost mass is reached with the fewest elements") {
  const ThresholdTable table = table_of(Placement::post_softmax);
  const BudgetPlan plan = plan_budget(table, {.kind = BudgetKind::lost_mass, .amount = 0.3});
  CHECK(plan.predicted.lost_mass <= 0.3);
  CHECK(plan.predicted.lost_mass > 0.29);
  CHECK(plan.bound <= plan.predicted.kept_elements);
  const BudgetPlan back = plan_budget(
      table, {.kind = BudgetKind::kept_fraction, .amount = plan.predicted.kept_elements * (1 + 1e-9)});
  CHECK(back.predicted.lost_mass == Approx(plan.predicted.lost_mass).epsilon(1e-6));
  CHECK_THROWS_AS(plan_budget(table, {.kind = BudgetKind::lost_mass, .amount = 0.01, .largest_k = 5}),
                  UsageError);
}

TEST_CASE("layers share their k, limits hold, given layers keep theirs") {
  const ThresholdTable table = table_of(Placement::pre_softmax);
  const BudgetPlan layers = plan_budget(
      table, {.kind = BudgetKind::uniform_k, .amount = 8, .unit = BudgetUnit::layer, .smallest_k = 3});
  CHECK(layers.head_k[0] == layers.head_k[1]);
  CHECK(layers.head_k[2] == layers.head_k[3]);
  CHECK(layers.head_k[0] > layers.head_k[2]);
  CHECK(layers.head_k[2] >= 3);
  const Target target = pooled_target_by_head(table, layers.head_k);
  CHECK(target.head_k.empty());
  CHECK(target.layer_k == std::vector<std::int64_t>{layers.head_k[0], layers.head_k[2]});

  const BudgetPlan heads = plan_budget(
      table,
      {.kind = BudgetKind::uniform_k, .amount = 12, .smallest_k = 5, .largest_k = 16, .layer_k = {{0, 20}}});
  CHECK(heads.head_k[0] == 20);
  CHECK(heads.head_k[1] == 20);
  CHECK(heads.head_k[2] >= 5);
  CHECK(heads.head_k[3] == 5);
  CHECK(heads.predicted.kept_elements <= predict(table, {12, 12, 12, 12}).kept_elements * (1 + 1e-9));
  CHECK(plan_budget(table, {.amount = 0.9999}).head_k[0] == kDenseK);
}

TEST_CASE("V rows: independent choices, groups traded against each other") {
  CHECK(value_rows({10}, 40) == Approx(10));
  CHECK(value_rows({10, 20}, 40) == Approx(40 * (1 - 0.75 * 0.5)));
  CHECK(value_rows({50, 1}, 40) == Approx(40));
  for (const std::int64_t kv_heads : {1, 2}) {
    const ThresholdTable table = table_of(Placement::post_softmax, kv_heads);
    const BudgetPlan plan = plan_budget(table, {.kind = BudgetKind::v_rows, .amount = 0.2});
    CHECK(plan.predicted.v_rows <= 0.2 + 1e-9);
    CHECK(plan.predicted.v_rows > 0.18);  // a key of one head is 0.8%
    CHECK(plan.bound <= plan.predicted.lost_mass + 1e-9);
    const BudgetPlan layers =
        plan_budget(table, {.kind = BudgetKind::v_rows, .amount = 0.2, .unit = BudgetUnit::layer});
    CHECK(layers.predicted.v_rows <= 0.2 + 1e-9);
    CHECK(layers.predicted.lost_mass >= plan.bound);
    // Without groups to share, V rows are elements.
    if (kv_heads == kHeads)
      CHECK(plan.predicted.v_rows == Approx(plan.predicted.kept_elements));
    else
      CHECK(plan.predicted.v_rows > plan.predicted.kept_elements);
  }
}

TEST_CASE("a layer that calibration did not see stays dense") {
  ThresholdTable table = table_of(Placement::pre_softmax);
  table.curves.cells[0].clear();
  table.curves.cells[1].clear();
  const BudgetPlan plan = plan_budget(table, {.amount = 0.3});
  CHECK(plan.head_k[0] == kDenseK);
  CHECK(plan.head_k[1] == kDenseK);
  CHECK(plan.head_k[3] < kTokens);
}

TEST_CASE("budgets that mean nothing are refused") {
  const ThresholdTable table = table_of(Placement::pre_softmax);
  CHECK_THROWS_AS(plan_budget(table, {.amount = 0}), UsageError);
  CHECK_THROWS_AS(plan_budget(table, {.amount = 1}), UsageError);
  CHECK_THROWS_AS(plan_budget(table, {.amount = std::nan("")}), UsageError);
  CHECK_THROWS_AS(plan_budget(table, {.amount = 0.01, .smallest_k = 20}), UsageError);
  CHECK_THROWS_AS(plan_budget(table, {.amount = 0.3, .smallest_k = 20, .largest_k = 10}), UsageError);
  CHECK_THROWS_AS(plan_budget(table, {.amount = 0.3, .smallest_k = 0}), UsageError);
  // Refused before candidates are listed, of which there would be too many for memory.
  CHECK_THROWS_AS(plan_budget(table, {.amount = 0.3, .smallest_k = std::numeric_limits<std::int64_t>::min()}),
                  UsageError);
  CHECK_THROWS_AS(plan_budget(table, {.amount = 0.3, .layer_k = {{2, 4}}}), UsageError);
  CHECK_THROWS_AS(
      plan_budget(table_of(Placement::pre_softmax, 0), {.kind = BudgetKind::v_rows, .amount = 0.3}),
      UsageError);
  CHECK_THROWS_AS(plan_budget(ThresholdTable{table.meta, {}}, {.amount = 0.3}), UsageError);
}

TEST_CASE("what rows of a range of lengths keep: dense ones all, others k") {
  const RowsOfBin bin{100, 22, 20, 24};  // 20 ... 24, equally frequent
  for (int k = 1; k <= 30; ++k) {
    double kept = 0;
    double dense = 0;
    for (int n = 20; n <= 24; ++n)
      kept += std::min(n, k) / 5.0, dense += n <= k ? 0.2 : 0;
    CHECK(bin.kept(k) == Approx(kept));
    CHECK(bin.dense_share(k) == Approx(dense));
  }
  for (const double mean : {20.1, 23.9}) {  // unequally: between the same ends, and never less for a larger k
    const RowsOfBin skewed{100, mean, 20, 24};
    CHECK(skewed.kept(24) == mean);
    CHECK(skewed.kept(19) == 19);
    for (int k = 1; k <= 30; ++k) {
      CHECK(skewed.kept(k) <= k);
      CHECK(skewed.kept(k + 1) >= skewed.kept(k));
    }
  }
}

TEST_CASE("candidates: every k at first, 32 to the octave later, within the limits") {
  CHECK(candidate_k(6, 1, kDenseK) == std::vector<std::int64_t>{1, 2, 3, 4, 5, kDenseK});
  CHECK(candidate_k(6, 2, 4) == std::vector<std::int64_t>{2, 3, 4});
  CHECK(candidate_k(6, 9, 9) == std::vector<std::int64_t>{9});
  CHECK(candidate_k(6, 9, kDenseK) == std::vector<std::int64_t>{kDenseK});
  const std::vector<std::int64_t> many = candidate_k(5000, 1, kDenseK);
  CHECK(many[63] == 64);
  CHECK(many.size() < 64 + 33 * 7);
  for (std::size_t i = 64; i + 2 < many.size(); ++i)
    CHECK(static_cast<double>(many[i]) <=
          1.0 / 16 * static_cast<double>(many[i - 1]) + static_cast<double>(many[i - 1]));
}
