#include "report/overview.hpp"

#include <fmt/format.h>

#include <sstream>

#include "report/markdown.hpp"
#include "report/sample_results.hpp"
#include "report/table.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// Two tasks, the second by generation, each under dense and under top-theta.
Results two_tasks() {
  Results results = sample_results();
  const RunResult dense = results.runs[0];
  RunResult theta = results.runs[1];
  theta.task = dense.task;
  theta.metrics = {{"perplexity", {4, 0.25}}};
  results.runs = {dense, theta, dense, theta};
  for (std::size_t i = 2; i < 4; ++i) {
    results.runs[i].task = {"needle", "generation", 40, "ee"};
    results.runs[i].metrics = {{"exact_match", {0.975, 0.025}}};
    results.runs[i].phase = Phase::decode;
  }
  return results;
}

std::vector<std::string> titles(const SummarySection& section) {
  std::vector<std::string> result;
  for (const SummaryColumn& column : section.columns)
    result.push_back(column.title);
  return result;
}

}  // namespace

TEST_CASE("several tasks share one table, a row per policy") {
  const auto overview = overview_of(two_tasks());
  REQUIRE(overview);
  CHECK(titles(*overview) == std::vector<std::string>{"policy", "held-out ppl", "needle exact %",
                                                      "prefill kept %", "prefill V %", "decode kept %",
                                                      "decode V %"});
  REQUIRE(overview->rows.size() == 2);
  CHECK(overview->rows[0] ==
        std::vector<std::string>{"dense", "3.4903", "97.5 ± 2.5", "100.00", "100.00", "100.00", "100.00"});
  CHECK(overview->rows[1] == std::vector<std::string>{"theta k=2 [0:dense] sdc=exact vmc", "4.0000 ± 0.2500",
                                                      "97.5 ± 2.5", "87.50", "75.00", "87.50", "75.00"});
}

TEST_CASE("sparsity is that of all tasks of a phase together") {
  Results results = two_tasks();
  for (RunResult& run : results.runs)
    run.phase = Phase::prefill;
  results.runs[3].sparsity = sample_counts(7);  // 28 of 40 kept; with 35 of 40 before: 63 of 80
  const auto overview = overview_of(results);
  REQUIRE(overview);
  CHECK(overview->columns.size() == 5);
  CHECK(overview->rows[1][3] == "78.75");
}

TEST_CASE("tables tell policies apart that are otherwise the same") {
  Results results = two_tasks();
  for (const std::size_t i : {0U, 2U}) {
    results.runs[i].policy = results.runs[1].policy;
    results.runs[i].policy.thresholds = "elsewhere/sigma.h5";
  }
  const auto overview = overview_of(results);
  REQUIRE(overview);
  CHECK(overview->rows[0][0] == "theta k=2 [0:dense] sdc=exact vmc sigma.h5");
  CHECK(overview->rows[1][0] == "theta k=2 [0:dense] sdc=exact vmc theta.h5");
}

TEST_CASE("one task, or tasks under different policies, have no overview") {
  Results results = two_tasks();
  CHECK_FALSE(overview_of(sample_results()));  // two tasks, but each under a policy of its own
  results.runs.resize(2);
  CHECK_FALSE(overview_of(results));
  CHECK(summarize(results, Detail::overview).sections.size() == 1);  // the task's own table is never lost
}

TEST_CASE("a report is the overview alone, or the overview and then each task") {
  CHECK(summarize(two_tasks()).sections.size() == 3);
  const Summary brief = summarize(two_tasks(), Detail::overview);
  REQUIRE(brief.sections.size() == 1);
  for (const std::string& note : brief.notes)
    CHECK(note.find("lost mass") == std::string::npos);
  CHECK(format_table(two_tasks(), {Detail::overview}).find("needle (generation") == std::string::npos);
  CHECK(format_markdown(two_tasks(), {Detail::overview}).find("**all tasks**") != std::string::npos);
}

TEST_CASE("many tasks stand as rows where they do not fit as columns") {
  Results results = two_tasks();
  const std::vector<RunResult> runs = results.runs;
  for (int task = 0; task < 6; ++task)
    for (RunResult run : runs) {
      run.task.name += std::to_string(task);
      results.runs.push_back(run);
    }
  const std::string text = format_table(results, {Detail::overview, 80});
  INFO(text);
  CHECK(text.find("\nheld-out5 ppl") != std::string::npos);
  CHECK(text.find("\nneedle5 exact %") != std::string::npos);
  CHECK(text.find("Left out") == std::string::npos);
}

TEST_CASE("tasks that fit neither way stand in several tables, none is left out") {
  Results results = two_tasks();
  const std::vector<RunResult> two(results.runs.begin(), results.runs.begin() + 2);
  results.runs.clear();
  for (int task = 0; task < 9; ++task)
    for (int policy = 0; policy < 8; ++policy) {
      results.runs.push_back(two[policy == 0 ? 0 : 1]);
      results.runs.back().task.name = fmt::format("task-number-{}", task);
      results.runs.back().policy.policy.k = policy == 0 ? 0 : 10 + policy;
    }
  const std::string text = format_table(results, {Detail::overview, 80});
  INFO(text);
  for (int task = 0; task < 9; ++task)
    CHECK(text.find(fmt::format("task-number-{}", task)) != std::string::npos);
  CHECK(text.find("Left out") == std::string::npos);
  // A row for each policy in each table.
  std::size_t tables = 0;
  for (std::size_t at = text.find("\ndense "); at != std::string::npos; at = text.find("\ndense ", at + 1))
    ++tables;
  CHECK(tables > 1);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    CHECK(line.size() <= 90);  // bytes: "±" has two
}
