// tt-eval tune and sensitivity, run --resume, and --dry-run everywhere.
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta::testing;

namespace {

using TuneJson = nlohmann::json;

struct TuneWorld : World {
  TuneWorld() { (void)output("tt-calibrate fit --model model --text b.txt -k 4,8 --curve -o theta.h5"); }
};

TuneJson listing_of(const World& world, const std::string& command) {
  return TuneJson::parse(world.output(command + " --format json"));
}

// Two documents.
void make_texts(const World& world) {
  std::filesystem::create_directory(world.path("texts"));
  std::filesystem::copy_file(world.path("a.txt"), world.path("texts/a.txt"));
  std::filesystem::copy_file(world.path("b.txt"), world.path("texts/b.txt"));
}

// Without what only the clock knows.
TuneJson without_seconds(const std::string& text) {
  TuneJson json = TuneJson::parse(text);
  for (TuneJson& run : json.at("runs"))
    run.erase("seconds");
  return json;
}

}  // namespace

TEST_CASE("tune finds the smallest k that run agrees with") {
  const TuneWorld world;
  make_texts(world);
  const std::string flags = " --model model --task texts --attention topk";
  const TuneJson tuned = listing_of(world, "tt-eval tune --max-loss 1e-5" + flags);
  REQUIRE(tuned.at("k").is_number());
  const int k = tuned.at("k");
  CHECK(tuned.at("k_low") <= k);
  CHECK(tuned.at("rows").size() >= 2);
  // The perplexity ratio of that k is within, and of the one below it is not.
  const TuneJson run = listing_of(world, "tt-eval run --model model --task texts --attention dense topk -k " +
                                             std::to_string(k) + (k > 1 ? "," + std::to_string(k - 1) : ""));
  CHECK(run.at("runs").at(1).at("paired").at("perplexity_ratio").at("value").get<double>() <= 1 + 1.001e-5);
  if (k > 1)
    CHECK(run.at("runs").at(2).at("paired").at("perplexity_ratio").at("value").get<double>() > 1 + 0.999e-5);
  CHECK(run.at("runs").at(1).at("sparsity").at("kept_elements") == tuned.at("kept_elements"));

  const TuneJson theta =
      listing_of(world, "tt-eval tune --model model --task texts --thresholds theta.h5 --max-loss 50%");
  CHECK(theta.at("k").is_number());
  CHECK(world.run("tt-eval tune --model model --task texts").status == 2);  // no table
  CHECK(world.run("tt-eval tune -k 3" + flags).status == 2);                // what it looks for
  CHECK(world.run("tt-eval tune --metric akk" + flags).status == 2);
  CHECK(world.run("tt-eval tune --max-loss x" + flags).status == 2);
  CHECK(world.run("tt-eval tune --model model --task texts --attention topk theta").status == 2);
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 4 -o plain.h5");
  CHECK(world.run("tt-eval tune --model model --task texts --thresholds plain.h5").status == 2);  // no curves
}

TEST_CASE("sensitivity makes each layer or head sparse alone, as layer-k does") {
  const TuneWorld world;
  make_texts(world);
  const TuneJson layers =
      listing_of(world, "tt-eval sensitivity --model model --task texts --attention topk:k=2");
  REQUIRE(layers.at("rows").size() == 2);
  CHECK(layers.at("rows").at(0).at("nll_difference") >= layers.at("rows").at(1).at("nll_difference"));
  const TuneJson run = listing_of(
      world, "tt-eval run --model model --task texts --attention dense topk -k 2 --layer-k 1:dense");
  for (const TuneJson& row : layers.at("rows"))
    if (row.at("layer") == 0) {
      CHECK(row.at("nll_difference") == run.at("runs").at(1).at("paired").at("nll").at("value"));
      CHECK(row.at("stderr") == run.at("runs").at(1).at("paired").at("nll").at("stderr"));
      CHECK(row.at("kept_elements") < 0.5);
    }
  const TuneJson heads = listing_of(
      world, "tt-eval sensitivity --model model --task texts --thresholds theta.h5 -k 4 --per head");
  CHECK(heads.at("rows").size() == 8);
  for (const TuneJson& row : heads.at("rows"))
    CHECK(row.at("kept_elements") < 0.9);  // of the one sparse head
  const TuneJson theta =
      listing_of(world, "tt-eval sensitivity --model model --task texts --thresholds theta.h5 -k 4");
  const TuneJson all = listing_of(
      world, "tt-eval run --model model --task texts --thresholds theta.h5 --attention dense theta -k 4");
  CHECK(theta.at("all").at("nll_difference") == all.at("runs").at(1).at("paired").at("nll").at("value"));
  CHECK(world.run("tt-eval sensitivity --model model --task texts --attention topk:k=2 --per head").status ==
        2);
  CHECK(world.run("tt-eval sensitivity --model model --task texts --thresholds theta.h5 -k 5").status == 2);
}

TEST_CASE("a run that was cut off goes on with the tasks that it has not finished") {
  const World world;
  const std::string run =
      "tt-eval run --model model --task quiz.jsonl --task b.txt --attention dense topk -k 4 --log-samples "
      "l.jsonl -o ";
  (void)world.output(run + "whole.json");
  const std::string log = world.content("l.jsonl");
  CHECK_FALSE(world.has("whole.json.unfinished"));
  // Killed as soon as the first task is finished.
  {
    const auto running = world.start(
        "tt-eval run --model model --task quiz.jsonl --task b.txt --attention dense topk -k 4 --log-samples "
        "l.jsonl "
        "-o cut.json --threads 1");
    while (!world.has("cut.json.unfinished") && !world.has("cut.json"))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    running->kill();
  }
  const bool was_cut = world.has("cut.json.unfinished");
  (void)world.output(run + "cut.json --resume");
  CHECK_FALSE(world.has("cut.json.unfinished"));
  CHECK(without_seconds(world.content("cut.json")) == without_seconds(world.content("whole.json")));
  CHECK(world.content("l.jsonl") == log);
  if (!was_cut) WARN("the run had ended before it was killed");
  // Of another run.
  world.write("cut.json.unfinished",
              R"({"schema": "toptheta.unfinished-run/1", "origin": "x", "tasks": []})");
  CHECK(world.run(run + "cut.json --resume").status == 3);
  CHECK(world.run(run + "cut.json").status == 0);                                        // begins anew
  CHECK(world.run("tt-eval run --model model --task quiz.jsonl --resume").status == 2);  // no -o
}

TEST_CASE("--dry-run says what would run, and runs nothing") {
  const TuneWorld world;
  world.write("s.toml",
              "[sweep]\nmodel = \"model\"\ntask = [\"quiz.jsonl\", \"b.txt\"]\nattention = [\"dense\", "
              "\"topk\"]\nk = [4, 8]\n");
  const TuneJson run = listing_of(
      world,
      "tt-eval run --model model --task quiz.jsonl --task b.txt --attention dense topk -k 4 --dry-run");
  CHECK(run.at("rows").size() == 4);
  CHECK(run.at("runs") == 4);
  CHECK(run.at("seconds") > 0);
  CHECK(run.at("peak_bytes") > run.at("weight_bytes"));
  // The tokens are those that the run will feed.
  const TuneJson real = listing_of(
      world, "tt-eval run --model model --task quiz.jsonl --task b.txt --attention dense topk -k 4");
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(run.at("rows").at(i).at("tokens") == real.at("runs").at(i).at("counts").at("fed_tokens"));
  const std::string sweep = world.output("tt-eval sweep s.toml -o cells --dry-run");
  CHECK(sweep.find("6 cells") != std::string::npos);
  CHECK_FALSE(world.has("cells"));
  CHECK(
      listing_of(world, "tt-eval tune --model model --task b.txt --attention topk --dry-run").at("seconds") >
      0);
  CHECK(listing_of(world, "tt-eval sensitivity --model model --task b.txt --attention topk:k=4 --dry-run")
            .at("rows")
            .size() == 4);
  CHECK(listing_of(world, "tt-eval generate --model model --prompt ab --max-new-tokens 8 --dry-run")
            .at("rows")
            .size() == 1);
  CHECK(
      listing_of(world,
                 "tt-eval bench --model model --prefill 16 --decode-at 16 --decode-steps 2 --attention dense "
                 "--dry-run")
          .at("rows")
          .size() == 3);
}
