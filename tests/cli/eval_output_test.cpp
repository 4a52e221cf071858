// What tt-eval writes and says: formats, progress, help, and what is kept when something fails.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/eval_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {
using OutputJson = nlohmann::json;
}  // namespace

TEST_CASE("the format follows the ending of the output") {
  const EvalWorld world;
  const std::string run = "tt-eval run --model model --task a.txt -o ";
  CHECK(world.output(run + "r.json").empty());
  CHECK(OutputJson::parse(world.content("r.json")).at("schema") == "toptheta.result/1");
  (void)world.output(run + "r.csv");
  CHECK(world.content("r.csv").starts_with("attention,k,"));
  (void)world.output(run + "r.md");
  CHECK(world.content("r.md").find("|---|") != std::string::npos);
  (void)world.output(run + "r.txt");
  CHECK(world.content("r.txt").starts_with("model model: 2 layers"));
}

TEST_CASE("settings come from a file, and the command line beats it") {
  const EvalWorld world;
  world.write(
      "run.toml",
      "[run]\nmodel = \"model\"\ntask = [\"a.txt\"]\nattention = [\"dense\", \"theta:sdc=exact,vmc\"]\n"
      "thresholds = [\"theta.h5\"]\nk = [4, 8]\nformat = \"json\"\n");
  CHECK(OutputJson::parse(world.output("tt-eval run --config run.toml")).at("runs").size() == 3);
  CHECK(OutputJson::parse(world.output("tt-eval run --config run.toml -k 4")).at("runs").size() == 2);
  world.write("printed.toml", world.output("tt-eval run --config run.toml --print-config"));
  CHECK(OutputJson::parse(world.output("tt-eval run --config printed.toml")).at("runs").size() == 3);
}

TEST_CASE("progress for machines is JSON lines on stderr; quiet is silent") {
  const EvalWorld world;
  const Outcome json = world.run("tt-eval run --model model --task quiz.jsonl --progress json");
  const OutputJson line = OutputJson::parse(json.err.substr(0, json.err.find('\n')));
  CHECK(line.at("stage") == "quiz");
  CHECK(line.at("total") == 2);
  CHECK(world.run("tt-eval run --model model --task quiz.jsonl --progress json -q").err.empty());
  CHECK(world.run("tt-eval run --model model --task quiz.jsonl").err.empty());  // no terminal
}

TEST_CASE("progress of one long text counts its tokens, from the start") {
  const EvalWorld world;
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "One, two, three, four. ";
  world.write("long.txt", text);
  const Outcome outcome = world.run("tt-eval run --model model --task long.txt --progress json");
  const OutputJson first = OutputJson::parse(outcome.err.substr(0, outcome.err.find('\n')));
  INFO(outcome.err);
  CHECK(first.at("unit") == "tokens");
  CHECK(first.at("done") == 0);
  CHECK(first.at("total") == text.size());
}

TEST_CASE("what was finished is kept where a later task fails") {
  const EvalWorld world;
  // Keys of the byte Z, and of no other, are beyond what a cache of 16-bit floats holds.
  TinyLlama model;
  model.vocab = 258;
  model.more_config = {{"bos_token_id", 256}, {"eos_token_id", 257}};
  model.fill_tensors();
  const auto hidden = static_cast<std::size_t>(model.hidden);
  std::vector<float>& embedding = model.tensors.at("model.embed_tokens.weight").values;
  for (std::size_t i = 0; i < embedding.size(); i += hidden)
    embedding[i] = 0;
  for (std::size_t i = 0; i < hidden; ++i)
    embedding['Z' * hidden + i] = i == 0 ? 1 : 0;
  std::vector<float>& keys = model.tensors.at("model.layers.0.self_attn.k_proj.weight").values;
  for (std::size_t i = 0; i < keys.size(); i += hidden)
    keys[i] = 1e6F;
  world.copy_model("z-model");
  model.write(world.path("z-model"));
  world.write("z.txt", "The letter Z.\n");
  const std::string command =
      "tt-eval run --model z-model --kv f16 --task a.txt z.txt b.txt --log-samples l.jsonl";
  const Outcome kept = world.run(command + " -o r.json");
  INFO(kept.err);
  CHECK(kept.status == 3);
  CHECK(kept.err.find("r.json holds the results of the finished tasks") != std::string::npos);
  const OutputJson runs = OutputJson::parse(world.content("r.json")).at("runs");
  REQUIRE(runs.size() == 1);
  CHECK(runs.at(0).at("task").at("name") == "a");
  CHECK(runs.at(0).at("metrics") ==
        OutputJson::parse(world.output("tt-eval run --model z-model --kv f16 --task a.txt "
                                       "--format json"))
            .at("runs")
            .at(0)
            .at("metrics"));
  CHECK(std::ranges::count(world.content("l.jsonl"), '\n') == 1);
  const Outcome printed = world.run(command + " --format json");
  CHECK(printed.status == 3);
  CHECK(OutputJson::parse(printed.out).at("runs").size() == 1);
  // Where the first fails there is nothing to keep.
  const Outcome none = world.run("tt-eval run --model z-model --kv f16 --task z.txt a.txt -o none.json");
  CHECK(none.status == 3);
  CHECK(none.out.empty());
  CHECK_FALSE(world.has("none.json"));
}

TEST_CASE("every task is checked before the first is run, and so is where results go") {
  const EvalWorld world;
  world.write("bad.jsonl", "{\"context\": \"a\", \"choices\": [\"b\", \"c\"], \"label\": 2}\n");
  world.write("long.jsonl",
              fmt::format("{{\"context\": \"a\", \"choices\": [\"{}\", \"c\"], \"label\": 0}}\n",
                          std::string(400, 'x')));
  for (const std::string bad : {"bad.jsonl", "long.jsonl", "none.txt"}) {
    const Outcome outcome =
        world.run("tt-eval run --model model --progress json -o r.json --task a.txt " + bad);
    INFO(outcome.err);
    CHECK(outcome.status == 3);
    CHECK(outcome.err.find("\"stage\"") == std::string::npos);
    CHECK_FALSE(world.has("r.json"));
  }
  const Outcome nowhere =
      world.run("tt-eval run --model model --progress json --task a.txt --samples none/s.jsonl");
  CHECK(nowhere.status == 4);
  CHECK(nowhere.err.find("\"stage\"") == std::string::npos);
}

TEST_CASE("a full disk is status 4, and the old result stays") {
  const EvalWorld world;
  CHECK(world.run("tt-eval run --model model --task a.txt", "/dev/full").status == 4);
  world.write("old.json", "old");
  CHECK(world.run("tt-eval run --model model --task none.txt -o old.json").status == 3);
  CHECK(world.content("old.json") == "old");
  const Outcome nowhere = world.run("tt-eval run --model model --task a.txt -o none/r.json");
  CHECK(nowhere.status == 4);
  CHECK(nowhere.err.find("none/r.json") != std::string::npos);
}

TEST_CASE("that the result cannot be written is said before the work, and a device takes it") {
  const EvalWorld world;
  // What the work would have failed on is not reached.
  CHECK(world.run("tt-eval run --model model --task none.txt -o none/r.json").status == 4);
  CHECK(world.run("tt-eval run --model model --task a.txt -o /dev/null").status == 0);
  CHECK(world.run("tt-eval run --model model --task a.txt -o /dev/full").status == 4);
}

TEST_CASE("every subcommand has help with an example, and a version") {
  const World world;
  for (const std::string command :
       {"tt-calibrate", "tt-calibrate fit", "tt-calibrate dump", "tt-calibrate show", "tt-calibrate convert",
        "tt-calibrate audit", "tt-calibrate drift", "tt-calibrate budget", "tt-eval", "tt-eval run",
        "tt-eval generate", "tt-eval tokenize", "tt-eval sweep", "tt-eval report", "tt-eval bench"}) {
    INFO(command);
    CHECK(world.output(command + " --help").find("Example:\n  tt-") != std::string::npos);
    CHECK(world.output(command + " --version").find(" 0.1.0 (commit ") != std::string::npos);
  }
}

TEST_CASE("configs/ has every key, with its default") {
  const World world;
  for (const std::string command :
       {"tt-calibrate fit",    "tt-calibrate merge",   "tt-calibrate retarget", "tt-calibrate dump",
        "tt-calibrate show",   "tt-calibrate convert", "tt-calibrate audit",    "tt-calibrate drift",
        "tt-calibrate budget", "tt-calibrate report",  "tt-eval run",           "tt-eval sweep",
        "tt-eval compare",     "tt-eval choose",       "tt-eval tune",          "tt-eval sensitivity",
        "tt-eval report",      "tt-eval generate",     "tt-eval tokenize",      "tt-eval bench",
        "tt-eval tasks",       "tt-eval logits",       "tt-eval info"}) {
    INFO(command);
    const std::filesystem::path file =
        std::filesystem::current_path() / "configs" / (command.substr(0, command.find(' ')) + ".toml");
    const std::string defaults = world.output(command + " --print-config");
    CHECK(world.output(command + " --print-config --config " + file.string()) == defaults);
    const std::string documented = content_of(file);
    std::istringstream lines(defaults);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK(documented.find(line + "\n") != std::string::npos);
    }
  }
}
