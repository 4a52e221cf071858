// tt-eval compare and choose, and --fail-if.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta::testing;

namespace {

using GateJson = nlohmann::json;

struct GateWorld : World {
  GateWorld() {
    (void)output(
        "tt-eval run --model model --task quiz.jsonl --task b.txt --attention dense topk -k 4,64 -o a.json");
    (void)output("tt-eval run --model model --task quiz.jsonl --task b.txt --attention topk:k=1 -o b.json");
  }
};

GateJson row_of(const std::string& text, const std::string& cell, const std::string& metric) {
  const GateJson json = GateJson::parse(text);
  for (const GateJson& row : json.at("rows"))
    if (row.at("cell") == cell && row.at("metric") == metric) return row;
  return {};
}

}  // namespace

TEST_CASE("compare pairs results, says what they are, and gates them") {
  const GateWorld world;
  const GateJson run = GateJson::parse(world.content("a.json"));
  const std::string against_dense = world.output("tt-eval compare a.json --format json");
  const GateJson acc = row_of(against_dense, "quiz__topk-k=4__prefill", "acc");
  CHECK(acc.at("difference") == run.at("runs").at(1).at("paired").at("acc").at("value"));
  CHECK(acc.at("p") == run.at("runs").at(1).at("paired").at("acc").at("p"));
  CHECK(acc.at("pairs") == run.at("runs").at(1).at("task").at("examples"));
  // The same results, nothing differs.
  CHECK(row_of(world.output("tt-eval compare a.json a.json --format json"), "b__topk-k=4__prefill", "nll")
            .at("difference") == 0);
  CHECK(world.output("tt-eval compare a.json --metric kept_elements").find("acc") == std::string::npos);
  // One document has no error.
  CHECK(row_of(against_dense, "b__topk-k=4__prefill", "nll").at("stderr").is_null());

  CHECK(world.run("tt-eval compare a.json --fail-if kept_elements>1 -q").status == 0);
  const Outcome dense =
      world.run("tt-eval compare a.json --fail-if kept_elements<dense --fail-if acc<0 -o t.csv");
  CHECK(dense.status == 1);
  CHECK(dense.err.find("b__topk-k=4__prefill") != std::string::npos);
  CHECK(dense.err.find("quiz__topk-k=64") == std::string::npos);
  CHECK(world.content("t.csv").starts_with("cell,metric,"));  // the ending decides
  const Outcome unknown = world.run("tt-eval compare a.json --fail-if akk<0.5");
  CHECK(unknown.status == 2);
  CHECK(unknown.err.find("acc_norm") != std::string::npos);
  CHECK(world.run("tt-eval compare a.json --fail-if acc<A").status == 2);
  CHECK(world.run("tt-eval compare a.json --fail-if acc").status == 2);
  CHECK(world.run("tt-eval compare a.json b.json").status == 3);  // nothing in common
  CHECK(world.run("tt-eval compare a.json a.json a.json").status == 2);
  CHECK(world.run("tt-eval compare model/config.json").status == 3);
}

TEST_CASE("run takes the same conditions, and writes its result all the same") {
  const World world;
  const std::string run =
      "tt-eval run --model model --task quiz.jsonl --attention dense topk -k 2 -o r.json ";
  CHECK(world.run(run + "--fail-if kept_elements>dense").status == 0);
  std::filesystem::remove(world.path("r.json"));
  const Outcome failed = world.run(run + "--fail-if kept_elements<dense");
  CHECK(failed.status == 1);
  CHECK(failed.err.find("quiz__topk-k=2__prefill") != std::string::npos);
  CHECK(world.has("r.json"));
}

TEST_CASE("choose answers from a result, and says where nothing is within") {
  const GateWorld world;
  const GateJson json = GateJson::parse(
      world.output("tt-eval choose a.json --metric perplexity --within 1e-9 --confidence 0 --format json"));
  REQUIRE(json.at("rows").size() == 1);
  CHECK(json.at("rows").at(0).at("within") == true);
  // The first of the results that is no worse.
  const GateJson result = GateJson::parse(world.content("a.json"));
  for (const GateJson& run : result.at("runs"))
    if (run.contains("paired") && run.at("paired").contains("perplexity_ratio") &&
        run.at("paired").at("perplexity_ratio").at("value") <= 1) {
      CHECK(json.at("rows").at(0).at("k") == run.at("policy").at("k"));
      break;
    }
  const std::string none = world.output("tt-eval choose a.json --metric perplexity --within 1%");
  CHECK(none.find("none of 2 settings is within 1%") != std::string::npos);
  const Outcome unknown = world.run("tt-eval choose a.json --metric akk");
  CHECK(unknown.status == 2);
  CHECK(unknown.err.find("acc_norm") != std::string::npos);
  // A folder of results: dense of one file serves the policies of another, and nothing stands there twice.
  std::filesystem::create_directory(world.path("runs"));
  std::filesystem::copy(world.path("a.json"), world.path("runs/a.json"));
  std::filesystem::copy(world.path("b.json"), world.path("runs/b.json"));
  const GateJson both = GateJson::parse(
      world.output("tt-eval choose runs --metric perplexity --within 1e-9 --confidence 0 --format json"));
  CHECK(both.at("rows").size() == 1);
  CHECK(world.output("tt-eval compare runs --format json").find("topk-k=1__") != std::string::npos);
  std::filesystem::copy(world.path("b.json"), world.path("runs/c.json"));
  const Outcome twice = world.run("tt-eval choose runs --metric perplexity");
  CHECK(twice.status == 3);
  CHECK(twice.err.find("b.json and c.json both hold") != std::string::npos);
  CHECK(world.run("tt-eval choose model").status == 3);
  CHECK(world.run("tt-eval choose a.json --within x").status == 2);
  CHECK(world.run("tt-eval choose b.json --metric acc").status == 2);  // no dense
}
