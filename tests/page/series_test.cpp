#include "page/series.hpp"

#include <cmath>

#include "page/charts.hpp"
#include "page/summary.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::page;

namespace {

// A cell on one task: dense, or `kept` elements at a perplexity `ratio` times dense's, give or take `error`.
Cell cell_of(const std::string& attention, std::int64_t k, double kept, double ratio, double error) {
  Cell cell;
  cell.model = {"m", "aa", 2, 2, 1, 8};
  cell.policy.attention = attention;
  cell.policy.k = k;
  cell.task = {"books", "text", 10, "bb", "text"};
  cell.phase = "prefill";
  cell.metrics = {{"perplexity", {2 * ratio, 0.01}}};
  if (attention != "dense") cell.paired = {{"perplexity_ratio", {ratio, error}}};
  cell.total.kept = kept;
  cell.layers = {Sparsity{.lost_mass = 0.1}, Sparsity{.lost_mass = 0.3}};
  cell.heads = {Sparsity{.lost_mass = 0.1}, Sparsity{.lost_mass = 0.1}, Sparsity{.lost_mass = 0.5},
                Sparsity{.lost_mass = 0.1}};
  return cell;
}

Cell answer_cell(const std::string& attention, double accuracy, double difference, std::int64_t examples) {
  Cell cell = cell_of(attention, attention == "dense" ? 0 : 4, 0.1, 1, 0);
  cell.task = {"quiz", "multiple-choice", examples, "cc", "quiz"};
  cell.metrics = {{"acc", {accuracy, 0}}};
  cell.paired.clear();
  if (attention != "dense") cell.paired = {{"acc", {difference, 0, difference, difference, 1}}};
  return cell;
}

}  // namespace

TEST_CASE("a loss on a single example has no interval, and none is spoken of") {
  const double unknown = std::nan("");
  const std::vector<Cell> cells = {cell_of("dense", 0, 1, 1, unknown),
                                   cell_of("theta", 16, 0.04, 1.005, unknown)};
  const std::vector<Group> groups = group_cells(cells);
  REQUIRE(groups.size() == 1);
  CHECK(describe(groups[0].series[0].points[0].loss, groups[0]) == "perplexity 0.50% above dense");
  const std::string chart = trade_off_chart(groups[0], Cost::elements, Room::narrow).svg;
  CHECK(chart.find("loss 0.50%, 4.00% of attention elements kept") != std::string::npos);
  CHECK(chart.find("class='b' d=''") != std::string::npos);  // no bar
  const std::string card = format_cards(groups);
  CHECK(card.find("a single example gives no interval") != std::string::npos);
  CHECK(card.find("\xE2\x80\x93") == std::string::npos);  // a dash in place of a number

  const std::vector<Cell> many = {cell_of("dense", 0, 1, 1, 0.001), cell_of("theta", 16, 0.04, 1.005, 0.001)};
  CHECK(describe(group_cells(many)[0].series[0].points[0].loss, group_cells(many)[0]) ==
        "perplexity 0.50% above dense (loss 0.30% to 0.70%, 95%, paired)");
}

TEST_CASE("the cheapest setting within 1% is one whose interval stays within, if there is one") {
  std::vector<Cell> cells = {cell_of("dense", 0, 1, 1, 0), cell_of("theta", 8, 0.02, 1.05, 0.001),
                             cell_of("theta", 16, 0.04, 1.009, 0.004),
                             cell_of("theta", 32, 0.08, 1.004, 0.001)};
  std::vector<Group> groups = group_cells(cells);
  REQUIRE(groups.size() == 1);
  Choice choice = choice_of(groups[0]);
  CHECK(choice.sure);
  CHECK(choice.cell->policy.k == 32);
  CHECK(headline_of(groups).find("theta k=32 stays within 1% of dense and keeps 8.00%") == 0);
  const DataTable answers = answers_of(groups);
  REQUIRE(answers.rows.size() == 1);
  CHECK(answers.rows[0][2].text == "k=32");
  CHECK(answers.rows[0][10].text == "k=16");

  cells.pop_back();
  groups = group_cells(cells);
  choice = choice_of(groups[0]);
  CHECK(choice.within);
  CHECK_FALSE(choice.sure);
  CHECK(choice.cell->policy.k == 16);

  cells.pop_back();
  groups = group_cells(cells);
  CHECK_FALSE(choice_of(groups[0]).within);
  CHECK(headline_of(groups).find("No setting stays within 1%") == 0);
}

TEST_CASE("tables that differ in their k make one curve, and tables of the same k one each") {
  const auto with = [](const std::string& table, std::int64_t k) {
    Cell cell = cell_of("theta", k, 0.001 * static_cast<double>(k), 1.01, 0.001);
    cell.policy.thresholds = table;
    cell.policy.own_head_k = true;
    return cell;
  };
  // A budget for each sum of elements: as a script's loop writes them.
  std::vector<Cell> cells = {with("out/budget-64-head.h5", 65), with("out/budget-96-head.h5", 98),
                             with("out/budget-64-other.h5", 65), with("out/budget-96-other.h5", 98)};
  std::vector<Group> groups = group_cells(cells);
  REQUIRE(groups[0].series.size() == 2);
  CHECK(groups[0].series[0].name == "theta per-head (budget-*-head)");
  CHECK(groups[0].series[0].points.size() == 2);
  CHECK(groups[0].series[1].name == "theta per-head (budget-*-other)");
  CHECK(groups[0].series[0].style != groups[0].series[1].style);

  // Calibrations on more and more documents: a point of each is no curve.
  cells = {with("from-1.h5", 64), with("from-1.h5", 128), with("from-2.h5", 64), with("from-2.h5", 128)};
  groups = group_cells(cells);
  REQUIRE(groups[0].series.size() == 2);
  CHECK(groups[0].series[0].name == "theta per-head (from-1)");
  CHECK(groups[0].series[1].name == "theta per-head (from-2)");

  // Nothing to tell apart, nothing added.
  cells = {with("out/budget-64-head.h5", 65), with("out/budget-96-head.h5", 98)};
  groups = group_cells(cells);
  REQUIRE(groups[0].series.size() == 1);
  CHECK(groups[0].series[0].name == "theta per-head");

  // The same numbers in another directory are other tables.
  cells = {with("a1/t.h5", 64), with("a2/t.h5", 128)};
  CHECK(group_cells(cells)[0].series.size() == 2);
}

TEST_CASE("layers of their own are named if they are few") {
  CellPolicy policy;
  policy.attention = "theta";
  policy.k = 64;
  policy.layer_k = {0, 512, 64, 64, 64, 64};
  CHECK(family_of(policy) == "theta 0:dense 1:512");
  policy.layer_k = {10, 20, 30, 40, 50, 64};
  CHECK(family_of(policy) == "theta per-layer");
}

TEST_CASE("a chart leaves room for the longest name beside its lines") {
  const auto right_end = [](const std::string& table) {
    Cell a = cell_of("theta", 16, 0.04, 1.01, 0.001);
    Cell b = a;
    a.policy.thresholds = table + "-a.h5";
    b.policy.thresholds = table + "-b.h5";
    const std::vector<Cell> cells = {cell_of("dense", 0, 1, 1, 0), a, b};
    const std::string svg = trade_off_chart(group_cells(cells)[0], Cost::elements, Room::wide).svg;
    const std::string axis = svg.substr(svg.find("data-x='"));
    return std::stod(axis.substr(axis.find(" 54 ") + 4));
  };
  CHECK(right_end("t") > right_end("thresholds-of-many-documents") + 150);
}

TEST_CASE("without paired differences a loss has both errors") {
  std::vector<Cell> cells = {cell_of("dense", 0, 1, 1, 0), cell_of("topk", 8, 0.02, 1.05, 0.001)};
  cells[1].paired.clear();
  const std::vector<Group> groups = group_cells(cells);
  const Loss& loss = groups[0].series[0].points[0].loss;
  CHECK_FALSE(loss.paired);
  CHECK(loss.value == Approx(0.05));
  CHECK(loss.high - loss.value == Approx(1.959964 * std::sqrt(2.0) * 0.01 / 2));
}

TEST_CASE("few examples of which none differs prove little") {
  std::vector<Cell> cells = {answer_cell("dense", 1, 0, 3), answer_cell("theta", 1, 0, 3)};
  std::vector<Group> groups = group_cells(cells);
  CHECK(groups[0].series[0].points[0].loss.high == Approx(1 - std::cbrt(0.025)));
  CHECK_FALSE(choice_of(groups[0]).sure);
  cells = {answer_cell("dense", 1, 0, 1000), answer_cell("theta", 1, 0, 1000)};
  groups = group_cells(cells);
  CHECK(choice_of(groups[0]).sure);
  CHECK(describe(groups[0].series[0].points[0].loss, groups[0]).find("acc equal to dense") == 0);
}

TEST_CASE("the layer and head that lose most are named with their part") {
  const std::string blame = blame_of(cell_of("theta", 8, 0.02, 1.05, 0.001));
  CHECK(blame.find("layer 1: 30.0% (75.0% of all layers' sum)") != std::string::npos);
  CHECK(blame.find("layer 1, head 0: 50.0%") != std::string::npos);
}

TEST_CASE("the command of a cell becomes one that measures its layers, if it has only one policy") {
  CHECK(sensitivity_command(
            "tt-eval run --task 'a b' --attention dense --attention theta:vmc --k 16 --limit 6") ==
        "tt-eval sensitivity --task 'a b' --attention theta:vmc --k 16 --limit 6");
  CHECK(sensitivity_command("tt-eval run --attention dense --attention topk") ==
        "tt-eval sensitivity --attention topk");
  CHECK(sensitivity_command("tt-eval run --attention dense --attention topk theta --k 16").empty());
  CHECK(sensitivity_command("tt-eval run --attention dense --attention topk --attention theta").empty());
  CHECK(sensitivity_command("tt-eval run --attention dense --attention topk --k 16 -o x.json").empty());
  CHECK(sensitivity_command("tt-eval run --attention topk").empty());
  CHECK(sensitivity_command("").empty());
}

TEST_CASE("a policy looks the same in all groups") {
  std::vector<Cell> cells = {cell_of("topk", 8, 0.02, 1.05, 0.001), cell_of("theta", 8, 0.02, 1.05, 0.001),
                             cell_of("topk", 8, 0.02, 1.05, 0.001)};
  cells[2].phase = "decode";
  const std::vector<Group> groups = group_cells(cells);
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].series[0].style == 0);  // top-theta
  CHECK(groups[0].series[1].style == 1);
  CHECK(groups[1].series[0].style == 1);
}
