// tt-eval run as a user runs it: policies, tables, tasks.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/eval_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {
using Json = nlohmann::json;

double nll(const Json& run) {
  return run.at("metrics").at("nll").at("value").get<double>();
}

}  // namespace

TEST_CASE("one run per policy, k and task, in order") {
  const EvalWorld world;
  const Json runs =
      world.runs("--task a.txt quiz.jsonl --attention dense topk theta --thresholds theta.h5 -k 4,8 --vmc");
  REQUIRE(runs.size() == 10);
  std::string seen;
  for (const Json& run : runs)
    seen += fmt::format("{} {} {};", run.at("policy").at("attention").get<std::string>(),
                        run.at("policy").at("k").dump(), run.at("task").at("name").get<std::string>());
  CHECK(seen ==
        "dense null a;topk 4 a;topk 8 a;theta 4 a;theta 8 a;"
        "dense null quiz;topk 4 quiz;topk 8 quiz;theta 4 quiz;theta 8 quiz;");
  CHECK(runs.at(0).at("policy").at("vmc") == false);
  CHECK(runs.at(1).at("policy").at("vmc") == true);
  CHECK(runs.at(5).at("metrics").contains("acc_norm"));
  CHECK(runs.at(0).at("counts").at("tokens") == 68);  // a byte is a token, each scored
}

TEST_CASE("options after the colon belong to one policy") {
  const EvalWorld world;
  const Json runs = world.runs(
      "--task a.txt --thresholds theta.h5 -k 4 --sdc exact --attention topk theta:sdc=offline,vmc,k=8 "
      "theta:sdc-scale=0.5");
  REQUIRE(runs.size() == 3);
  CHECK(runs.at(0).at("policy").at("sdc") == "exact");
  CHECK(runs.at(1).at("policy").at("sdc") == "offline");
  CHECK(runs.at(1).at("policy").at("k") == 8);
  CHECK(runs.at(2).at("policy").at("sdc_scale") == 0.5);
  CHECK(runs.at(2).at("policy").at("vmc") == false);
}

TEST_CASE("a k as long as every row is dense; a small one is not") {
  const EvalWorld world;
  const Json runs = world.runs("--task a.txt --attention dense topk:k=69 topk:k=4");
  CHECK(nll(runs.at(1)) == nll(runs.at(0)));
  CHECK(runs.at(1).at("sparsity").at("kept_elements") == 1);
  CHECK(nll(runs.at(2)) != nll(runs.at(0)));
  CHECK(runs.at(2).at("sparsity").at("kept_elements").get<double>() < 0.2);
  CHECK(runs.at(2).at("sparsity").at("effective_k_ratio").get<double>() == Approx(1));
}

TEST_CASE("decode agrees with prefill to rounding, and counts V rows per step") {
  const EvalWorld world;
  const std::string flags =
      "--task a.txt --attention dense theta --thresholds theta.h5 -k 8 --sdc exact --vmc";
  const Json prefill = world.runs(flags);
  const Json decode = world.runs(flags + " --phase decode");
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(nll(decode.at(i)) == Approx(nll(prefill.at(i))).epsilon(1e-4));
  CHECK(decode.at(1).at("sparsity").at("phase") == "decode");
  CHECK(decode.at(1).at("sparsity").at("v_rows") < prefill.at(1).at("sparsity").at("v_rows"));
}

TEST_CASE("results do not depend on the number of threads") {
  const EvalWorld world;
  const std::string command =
      "tt-eval run --model model --task a.txt quiz.jsonl --thresholds theta.h5 -k 4 --sdc exact --vmc "
      "--format csv";
  CHECK(world.output(command + " --threads 1") == world.output(command + " --threads 2"));
}

TEST_CASE("provenance names every input and what was run") {
  const EvalWorld world;
  const Json result =
      Json::parse(world.output("tt-eval run --model model --task a.txt --attention theta --thresholds "
                               "theta.h5 -k 8 --seed 3 --format json"));
  const Json& provenance = result.at("provenance");
  CHECK(provenance.at("seed") == 3);
  CHECK(provenance.at("command").get<std::string>().starts_with("tt-eval run --model model"));
  REQUIRE(provenance.at("inputs").size() == 3);
  for (const Json& input : provenance.at("inputs"))
    CHECK(input.at("sha256").get<std::string>().size() == 64);
  CHECK(result.at("runs").at(0).at("policy").at("thresholds") == "theta.h5");
}

TEST_CASE("a directory of texts is one task") {
  const EvalWorld world;
  std::filesystem::create_directory(world.path("texts"));
  std::filesystem::copy(world.path("a.txt"), world.path("texts/a.txt"));
  std::filesystem::copy(world.path("b.txt"), world.path("texts/b.txt"));
  const Json runs = world.runs("--task texts");
  REQUIRE(runs.size() == 1);
  CHECK(runs.at(0).at("task").at("examples") == 2);
  CHECK(runs.at(0).at("counts").at("tokens") == 68 + 65);
  CHECK(world.runs("--task texts --limit 1").at(0).at("counts").at("tokens") == 68);
}

TEST_CASE("a policy takes the table with its placement and k") {
  const EvalWorld world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8 --placement post-softmax -o post.h5");
  const Json runs = world.runs(
      "--task a.txt --thresholds theta.h5 post.h5 -k 8 --attention theta theta:placement=post-softmax");
  CHECK(runs.at(0).at("policy").at("thresholds") == "theta.h5");
  CHECK(runs.at(1).at("policy").at("thresholds") == "post.h5");
}

TEST_CASE("a policy that names no k runs every k of its table, and is refused where one policy runs") {
  const EvalWorld world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8,4 -o theta.h5");
  const Json runs = world.runs(
      "--task a.txt --thresholds theta.h5 --attention theta:vmc theta:k=8 theta:sdc=exact topk:k=2");
  std::string seen;
  for (const Json& run : runs)
    seen += fmt::format("{} {} {} {};", run.at("policy").at("attention").get<std::string>(),
                        run.at("policy").at("k").dump(), run.at("policy").at("vmc").dump(),
                        run.at("policy").at("sdc").get<std::string>());
  CHECK(seen ==
        "theta 4 true none;theta 8 true none;theta 8 false none;theta 4 false exact;theta 8 false exact;"
        "topk 2 false none;");
  // Top-k takes its k from there too where its offline SDC does; without such a table it has none.
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 8,4 --sdc-offline -o sdc.h5");
  const Json offline = world.runs("--task a.txt --thresholds sdc.h5 --attention topk:sdc=offline");
  REQUIRE(offline.size() == 2);
  CHECK(offline.at(0).at("policy").at("k") == 4);
  CHECK(nll(offline.at(1)) ==
        nll(world.runs("--task a.txt --thresholds sdc.h5 --attention topk:sdc=offline -k 8").at(0)));
  CHECK(world.run("tt-eval run --model model --task a.txt --attention topk").status == 2);
  CHECK(world.run("tt-eval run --model model --task a.txt --attention topk:k=2,k=4").status == 2);
  // The same numbers as with -k.
  CHECK(nll(runs.at(1)) ==
        nll(world.runs("--task a.txt --thresholds theta.h5 --attention theta -k 8 --vmc").at(0)));
  for (const std::string command : {"tt-eval generate --model model --prompt ab --max-new-tokens 1",
                                    "tt-eval logits --model model --text a.txt -o x.npy"}) {
    const Outcome outcome = world.run(command + " --attention theta --thresholds theta.h5");
    INFO(command << outcome.err);
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find("8, 4") != std::string::npos);
  }
}

TEST_CASE("--strict refuses a model with a field that is not used, wherever one is loaded") {
  const EvalWorld world;
  world.copy_model("strange");
  std::string config = world.content("strange/config.json");
  world.write("strange/config.json", config.insert(config.find('{') + 1, "\"new_arithmetic\": 3, "));
  for (const std::string command :
       {"tt-eval run --task a.txt", "tt-eval bench --prefill 8 --decode-at none --repetitions 1",
        "tt-eval generate --prompt ab --max-new-tokens 1", "tt-eval logits --text a.txt -o x.npy",
        "tt-calibrate fit -k 4 --text a.txt -o x.h5", "tt-calibrate dump --text a.txt -o d.h5",
        "tt-calibrate audit theta.h5 --text a.txt"}) {
    INFO(command);
    const Outcome told = world.run(command + " --model strange");
    INFO(told.err);
    CHECK(told.err.find("warning: strange/config.json:new_arithmetic is not used") != std::string::npos);
    CHECK(told.status < 2);
    const Outcome refused = world.run(command + " --strict --model strange");
    INFO(refused.err);
    CHECK(refused.status == 3);
    CHECK(refused.err.find("strange/config.json:new_arithmetic") != std::string::npos);
    CHECK(refused.out.empty());
    CHECK(world.run(command + " --strict --model model").status < 2);
  }
  CHECK(world.run("tt-calibrate fit dump.h5 -k 4 --strict -o x.h5").status == 2);
  CHECK(world.run("tt-eval bench --shape d=16,layers=1,heads=2,ffn=16,vocab=32 --strict").status == 2);
}

TEST_CASE("what lies beside a model and is not followed is named, and refused under --strict") {
  const EvalWorld world;
  const auto named = [&](const std::string& file, const std::string& content, const std::string& message) {
    std::filesystem::remove_all(world.path("beside"));
    world.copy_model("beside");
    world.write("beside/" + file, content);
    const Outcome told = world.run("tt-eval run --model beside --task a.txt");
    INFO(file << ": " << told.err);
    CHECK(told.status == 0);
    CHECK(told.err.find(message) != std::string::npos);
    CHECK(world.run("tt-eval run --strict --model beside --task a.txt").status == 3);
  };
  named("adapter_config.json", "{}", "beside/adapter_config.json is not used");
  const std::string config = "tokenizer_config.json";
  named(config, R"({"add_eos_token": true})", "add_eos_token is not followed");
  named(config, R"({"add_prefix_space": true})", "adds no blank before a text");
  named(config, R"({"added_tokens_decoder": {"97": {"content": "<pad>"}}})",
        "added_tokens_decoder.97 is not followed");
  named(config, R"({"added_tokens_decoder": {"none": {"content": "a"}}})",
        "added_tokens_decoder.none is not followed");
  world.write("beside/" + config,
              R"({"add_prefix_space": false, "added_tokens_decoder": {"97": {"content": "a"}}})");
  CHECK(world.run("tt-eval run --strict --model beside --task a.txt").status == 0);
}

TEST_CASE("running-softmax placement takes post-softmax thresholds where it has none made for it") {
  const World world;
  (void)world.output("tt-calibrate fit --model model --text b.txt -k 4 --placement post-softmax -o post.h5");
  (void)world.output(
      "tt-calibrate fit --model model --text b.txt -k 4 --placement running-softmax -o own.h5");
  const auto runs = [&](const std::string& tables) {
    return nlohmann::json::parse(
               world.output("tt-eval run --model model --format json --task a.txt --attention "
                            "theta:placement=running-softmax --thresholds " +
                            tables))
        .at("runs");
  };
  CHECK(runs("post.h5").at(0).at("policy").at("thresholds") == "post.h5");
  CHECK(runs("post.h5 own.h5").at(0).at("policy").at("thresholds") == "own.h5");
  const Outcome other = world.run(
      "tt-eval run --model model --task a.txt --attention theta:placement=post-softmax --thresholds own.h5");
  CHECK(other.status == 2);
  CHECK(other.err.find("calibrated running-softmax") != std::string::npos);
}
