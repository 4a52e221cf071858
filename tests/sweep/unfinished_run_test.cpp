#include "sweep/unfinished_run.hpp"

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "report/json.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using toptheta::testing::TempDir;

namespace {

const ModelShape kShape{.num_layers = 2, .num_heads = 2, .num_kv_heads = 1, .head_dim = 4};

FinishedTask finished_task() {
  RunResult run;
  run.metrics = {{"nll", {1.0 / 3, 0.1, ConfidenceInterval{0.1, 0.2}}},
                 {"perplexity", {std::numeric_limits<double>::infinity()}}};
  run.paired = {{"acc", {-0.1, 0.05, ConfidenceInterval{-0.2, 0.1}, 3, 4, 1.0}}, {"nll", {0.25}}};
  run.samples = {{"acc", {0, 1, 1.0 / 7}}};
  run.counts = {{"tokens", 12}};
  run.seconds = {{"forward", 0.1}};
  run.phase = Phase::decode;
  run.sparsity = AttentionCounts(kShape);
  for (HeadCount& head : run.sparsity.heads)
    head = {1, 2, 3, 4, 1.0 / 9, 6, 5};
  run.sparsity.outputs.assign(run.sparsity.heads.size(), {4, 0.1, 1.0 / 3, 3.5});
  for (GroupCount& group : run.sparsity.groups)
    group = {7, 8};
  return {{run, run}, "{\"a\"}\n", {"", "x\n"}};
}

}  // namespace

TEST_CASE("what a run has finished is read back to the last bit", "[resume]") {
  const TempDir directory;
  const std::filesystem::path path = directory.path("r.json.unfinished");
  CHECK(read_unfinished(path, "o", kShape).empty());
  write_file_atomically(path, unfinished_text("o", {finished_task()}));
  const std::vector<FinishedTask> tasks = read_unfinished(path, "o", kShape);
  REQUIRE(tasks.size() == 1);
  REQUIRE(tasks[0].runs.size() == 2);
  CHECK(tasks[0].log == "{\"a\"}\n");
  CHECK(tasks[0].completions == std::vector<std::string>{"", "x\n"});
  const auto text_of = [](const RunResult& run) {
    return format_json(Results{.shape = kShape, .runs = {run}});
  };
  CHECK(text_of(tasks[0].runs[1]) == text_of(finished_task().runs[1]));
  CHECK(std::isinf(tasks[0].runs[0].metrics[1].second.value));
  CHECK(unfinished_text("o", tasks) == unfinished_text("o", {finished_task()}));
}

TEST_CASE("another run's remains, and damaged ones, are refused", "[resume]") {
  const TempDir directory;
  const std::filesystem::path path = directory.path("r.json.unfinished");
  const std::string text = unfinished_text("o", {finished_task()});
  write_file_atomically(path, text);
  CHECK_THROWS_AS(read_unfinished(path, "p", kShape), InputError);
  ModelShape other = kShape;
  other.num_layers = 3;
  CHECK_THROWS_AS(read_unfinished(path, "o", other), InputError);
  write_file_atomically(path, text.substr(0, text.size() / 2));
  CHECK_THROWS_AS(read_unfinished(path, "o", kShape), InputError);
  write_file_atomically(path, "{}");
  CHECK_THROWS_AS(read_unfinished(path, "o", kShape), InputError);
}
