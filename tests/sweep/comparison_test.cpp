#include "sweep/comparison.hpp"

#include <cmath>

#include "core/error.hpp"
#include "eval/paired.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"
#include "sweep/gate.hpp"

using namespace toptheta;

namespace {

CellResult cell_of(const std::string& policy, double acc) {
  CellResult cell;
  cell.name = cell.identity = policy;
  cell.attention = policy.substr(0, policy.find(' '));
  cell.policy = policy;
  cell.task = "quiz";
  cell.task_sha256 = "1";
  cell.phase = "prefill";
  cell.values["acc"] = {acc, 0.25};
  return cell;
}

std::string run_text(const std::string& policy, const std::string& rest) {
  return R"({"schema": "toptheta.result/1", "model": {"sha256": "m"}, "provenance": {"seed": 3}, "runs": [{
    "policy": )" +
         policy +
         R"(, "task": {"name": "quiz", "sha256": "1"}, "sparsity": {"phase": "prefill", "kept_elements": 0.5,
    "k_rows": null}, )" +
         rest + "}]}";
}

}  // namespace

TEST_CASE("results with samples are compared example by example", "[gate]") {
  CellResult a = cell_of("dense", 0.5);
  CellResult b = cell_of("topk k=4", 0.75);
  CHECK(why_unpaired(a, b) == "A has no samples");
  const MetricComparison apart = compare_cells(a, b).front();
  CHECK(apart.pairs == 0);
  CHECK(apart.difference.standard_error == Approx(std::hypot(0.25, 0.25)));
  a.samples["acc"] = {0, 1, 0, 1};
  b.samples["acc"] = {1, 1, 0, 1};
  const MetricComparison paired = compare_cells(a, b).front();
  CHECK(paired.pairs == 4);
  CHECK(paired.difference.value == Approx(0.25));
  CHECK(paired.difference.standard_error == Approx(0.25));
  CHECK(paired.difference.better == 1);
  CHECK(paired.difference.worse == 0);
  CHECK(paired.difference.p == Approx(1));
  b.samples["acc"].push_back(1);
  CHECK(why_unpaired(a, b) == "another number of examples");
  b = a;
  b.task_sha256 = "2";
  CHECK(why_unpaired(a, b) == "another file");
}

TEST_CASE("texts are paired over documents of the same tokens", "[gate]") {
  CellResult a = cell_of("dense", 0);
  a.values = {{"nll", {2, 0.1}}, {"perplexity", {std::exp(2.0), 1}}};
  a.samples = {{"nll", {20, 40}}, {"tokens", {10, 20}}};
  CellResult b = a;
  b.values = {{"nll", {2.1, 0.1}}, {"perplexity", {std::exp(2.1), 1}}};
  b.samples["nll"] = {21, 42};
  const auto compared = compare_cells(a, b);
  REQUIRE(compared.size() == 2);
  CHECK(compared[0].difference.value == Approx(0.1));
  CHECK(compared[1].metric == "perplexity");
  CHECK(compared[1].difference.value == Approx(std::exp(2.1) - std::exp(2.0)));
  // Both documents lose as much, so that every resample does.
  CHECK(*compared[1].difference.standard_error < 1e-9);
  CHECK(compared[1].difference.interval->low == Approx(std::exp(2.1) - std::exp(2.0)));
  b.samples["tokens"] = {11, 20};
  CHECK(why_unpaired(a, b) == "other tokens");
  CHECK(compare_cells(a, b)[0].pairs == 0);
}

TEST_CASE("results are read back with what tells policies apart", "[gate]") {
  const auto read = [](const std::string& policy) {
    return parse_results(
               run_text(policy, R"("metrics": {"acc": {"value": 0.5, "stderr": null}, "x": {"value": null}},
      "paired": {"acc": {"value": -0.1, "stderr": 0.1, "low": -0.3, "high": 0.1, "better": 1, "worse": 2, "p": 1}},
      "samples": {"acc": [0, 1]})"),
               "r.json")
        .front();
  };
  const CellResult cell = read(
      R"({"attention": "theta", "k": 8, "layer_k": [8, null], "placement": "pre-softmax", "sdc": "exact",
          "sdc_scale": 1.0, "vmc": true, "cap_k": false, "thresholds": "t.h5", "keep_first": 4})");
  CHECK(cell.policy == "theta k=8 layer-k=1:dense keep-first=4 sdc=exact vmc");
  CHECK(cell.family == "theta layer-k=1:dense sdc=exact vmc");
  CHECK(cell.k == 8);
  CHECK(cell.seed == 3);
  CHECK(cell.values.at("acc").value == 0.5);
  CHECK(std::isnan(cell.values.at("x").value));
  CHECK(cell.values.at("kept_elements").value == 0.5);
  CHECK(cell.values.count("k_rows") == 0);
  CHECK(cell.paired.at("acc").worse == 2);
  CHECK(cell.samples.at("acc") == std::vector<double>{0, 1});
  const auto place_of = [](const std::string& rest) {
    return testing::problem_of<InputError>([&] {
             (void)parse_results(run_text(R"({"attention": "dense", "layer_k": []})", rest), "r.json");
           })
        .where;
  };
  CHECK(place_of(R"("metrics": {"acc": {"value": 1.5}})") == "r.json:runs[0].metrics.acc");
  CHECK(place_of(R"("metrics": {"acc": {"value": 0.5, "stderr": -1}})") ==
        "r.json:runs[0].metrics.acc.stderr");
  CHECK(place_of(R"("metrics": {"acc": {"value": 0.5, "low": 0.6, "high": 0.4}})") ==
        "r.json:runs[0].metrics.acc.low");
  CHECK(place_of(R"("metrics": {"acc": {"value": 0.75}}, "samples": {"acc": [0, 1]})") ==
        "r.json:runs[0].samples.acc");
  CHECK_THROWS_AS(parse_results("{}", "r.json"), InputError);
  CHECK_THROWS_AS(parse_results("[1]", "r.json"), InputError);
}

TEST_CASE("a gate names the results for which a condition holds", "[gate]") {
  const std::vector<CellResult> cells = {cell_of("dense", 0.5), cell_of("topk k=4", 0.375),
                                         cell_of("topk k=8", 0.5)};
  const auto failures = [&](const std::string& text, const std::vector<CellResult>* first = nullptr) {
    const Condition condition = parse_condition(text);
    return failures_of({&condition, 1}, cells, first);
  };
  CHECK(failures("acc < dense - 0.1") ==
        std::vector<std::string>{"'acc < dense - 0.1' holds for topk k=4: acc is 0.375, dense 0.5"});
  CHECK(failures("acc <= 0.5").size() == 2);  // not dense
  CHECK_THROWS_AS(failures("akk < 0.5"), UsageError);
  CHECK_THROWS_AS(failures("acc < dense.akk"), UsageError);
  CHECK_THROWS_AS(failures("acc < A"), UsageError);
  std::vector<CellResult> first = {cell_of("dense", 0.75), cell_of("topk k=4", 0.375),
                                   cell_of("topk k=8", 0.5)};
  CHECK(failures("acc < A", &first).size() == 1);  // dense itself
  first.pop_back();
  CHECK_THROWS_AS(failures("acc < A", &first), UsageError);
}

TEST_CASE("a lone policy on a task is compared with whatever stands alone there", "[gate]") {
  const std::vector<CellResult> first = {cell_of("dense", 0.5)};
  std::vector<CellResult> last = {cell_of("topk k=4", 0.375)};
  CHECK(partner_of(last.front(), last, first) == first.data());
  last.push_back(cell_of("topk k=8", 0.5));
  CHECK(partner_of(last.front(), last, first) == nullptr);
}
