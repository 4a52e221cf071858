#include "sweep/choice.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

// Right on the first `right` of 100 examples.
CellResult answers(const std::string& task, const std::string& family, std::int64_t k, int right, double kept,
                   double v_rows) {
  CellResult cell;
  cell.attention = cell.family = family;
  cell.k = k;
  cell.policy = k > 0 ? family + " k=" + std::to_string(k) : family;
  cell.name = cell.identity = task + "__" + cell.policy;
  cell.task = task;
  cell.phase = "prefill";
  std::vector<double> acc(100, 0.0);
  std::fill_n(acc.begin(), right, 1.0);
  cell.values = {{"acc", {right / 100.0}}, {"kept_elements", {kept}}, {"v_rows", {v_rows}}};
  cell.samples = {{"acc", acc}};
  return cell;
}

std::vector<CellResult> sweep_of(const std::string& task) {
  return {answers(task, "dense", 0, 80, 1, 1), answers(task, "topk", 4, 60, 0.1, 0.3),
          answers(task, "topk", 8, 80, 0.2, 0.5), answers(task, "topk", 16, 80, 0.4, 0.4)};
}

}  // namespace

TEST_CASE("the smallest k within of dense is chosen, and what is sparsest", "[choose]") {
  const auto choices = choose_cells(sweep_of("quiz"), {"acc", 0.01, 0.95});
  REQUIRE(choices.size() == 1);
  REQUIRE(choices[0].found());
  CHECK(choices[0].smallest_k->k == 8);
  CHECK(choices[0].fewest_elements->k == 8);
  CHECK(choices[0].fewest_v_rows->k == 16);
  CHECK(choices[0].smallest_k->cell == "quiz__topk k=8");
}

TEST_CASE("the worse end of the interval must be within", "[choose]") {
  std::vector<CellResult> cells = {answers("quiz", "dense", 0, 80, 1, 1),
                                   answers("quiz", "topk", 4, 79, 0.1, 0.1)};
  // One example of 100: 0.01 worse, with an error of 0.01.
  CHECK_FALSE(choose_cells(cells, {"acc", 0.02, 0.95})[0].found());
  CHECK(choose_cells(cells, {"acc", 0.02, 0.95})[0].nearest->loss.value == Approx(0.01));
  CHECK(choose_cells(cells, {"acc", 0.03, 0.95})[0].found());
  CHECK_FALSE(choose_cells(cells, {"acc", 0.03, 0.99})[0].found());
  CHECK(choose_cells(cells, {"acc", 0.01, 0})[0].found());
}

TEST_CASE("over several tasks the mean loss is taken, where all have the setting", "[choose]") {
  std::vector<CellResult> cells = sweep_of("quiz");
  for (const CellResult& cell : sweep_of("other"))
    if (cell.k != 16) cells.push_back(cell);
  const auto choices = choose_cells(cells, {"acc", 0.01, 0.95});
  REQUIRE(choices.size() == 3);
  CHECK(choices[2].candidates.size() == 2);
  CHECK(choices[2].candidates[0].loss.value == Approx(0.2));
  CHECK(choices[2].smallest_k->k == 8);
  CHECK(choices[2].smallest_k->task.empty());
}

TEST_CASE("perplexity is relative, and without an interval nothing is certain", "[choose]") {
  CellResult dense = answers("text", "dense", 0, 0, 1, 1);
  dense.samples = {{"nll", {30}}, {"tokens", {10}}};
  CellResult topk = answers("text", "topk", 4, 0, 0.1, 0.1);
  topk.samples = {{"nll", {30.1}}, {"tokens", {10}}};
  const ChoiceQuery certain{"perplexity", 0.02, 0.95};
  CHECK_FALSE(choose_cells({dense, topk}, certain)[0].found());
  const ChoiceQuery measured{"perplexity", 0.0101, 0};
  CHECK(choose_cells({dense, topk}, measured)[0].found());
  CHECK(choose_cells({dense, topk}, measured)[0].nearest->loss.value == Approx(std::expm1(0.01)));
  CHECK_FALSE(choose_cells({dense, topk}, {"perplexity", 0.01, 0})[0].found());
  dense.samples = {{"nll", {30, 15}}, {"tokens", {10, 5}}};
  topk.samples = {{"nll", {30.1, 15.05}}, {"tokens", {10, 5}}};
  CHECK(choose_cells({dense, topk}, certain)[0].found());
}

TEST_CASE("a metric that no result has is refused", "[choose]") {
  CHECK_THROWS_AS(choose_cells(sweep_of("quiz"), {"akk", 0.01, 0.95}), UsageError);
  CHECK_THROWS_AS(choose_cells({answers("quiz", "topk", 4, 60, 0.1, 0.3)}, {"acc", 0.01, 0.95}), UsageError);
}
