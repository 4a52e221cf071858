// tt-eval as a user runs it.
#include <fmt/format.h>
#include <algorithm>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

using Json = nlohmann::json;

struct EvalWorld : World {
  EvalWorld() {
    (void)output("tt-calibrate fit --model model --text b.txt -k 4,8 --sdc-offline -o theta.h5");
  }
  [[nodiscard]] Json runs(const std::string& flags) const {
    return Json::parse(output("tt-eval run --model model --format json " + flags)).at("runs");
  }
};

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

TEST_CASE("the format follows the ending of the output") {
  const EvalWorld world;
  const std::string run = "tt-eval run --model model --task a.txt -o ";
  CHECK(world.output(run + "r.json").empty());
  CHECK(Json::parse(world.content("r.json")).at("schema") == "toptheta.result/1");
  (void)world.output(run + "r.csv");
  CHECK(world.content("r.csv").starts_with("attention,k,"));
  (void)world.output(run + "r.md");
  CHECK(world.content("r.md").find("|---|") != std::string::npos);
  (void)world.output(run + "r.txt");
  CHECK(world.content("r.txt").starts_with("model model: 2 layers"));
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

TEST_CASE("settings come from a file, and the command line beats it") {
  const EvalWorld world;
  world.write(
      "run.toml",
      "[run]\nmodel = \"model\"\ntask = [\"a.txt\"]\nattention = [\"dense\", \"theta:sdc=exact,vmc\"]\n"
      "thresholds = [\"theta.h5\"]\nk = [4, 8]\nformat = \"json\"\n");
  CHECK(Json::parse(world.output("tt-eval run --config run.toml")).at("runs").size() == 3);
  CHECK(Json::parse(world.output("tt-eval run --config run.toml -k 4")).at("runs").size() == 2);
  world.write("printed.toml", world.output("tt-eval run --config run.toml --print-config"));
  CHECK(Json::parse(world.output("tt-eval run --config printed.toml")).at("runs").size() == 3);
}

TEST_CASE("generate continues a prompt under every policy") {
  const EvalWorld world;
  const std::string command = "tt-eval generate --model model --prompt cat --max-new-tokens 5";
  CHECK(world.output(command).starts_with("== dense ==\ncat"));
  const Json result = Json::parse(
      world.output(command + " --attention dense theta --thresholds theta.h5 -k 4 --format json"));
  REQUIRE(result.at("rows").size() == 2);
  CHECK(result.at("rows").at(0).at("new_tokens") == 5);
  CHECK(result.at("rows").at(0).at("kept_elements") == 1);
}

TEST_CASE("generate stops at a string, draws by the seed, takes ids") {
  const EvalWorld world;
  const std::string command = "tt-eval generate --model model --prompt cat --max-new-tokens 12 --format json";
  const Json whole = Json::parse(world.output(command)).at("rows").at(0);
  const auto text = whole.at("completion").get<std::string>();
  REQUIRE(text.size() > 3);
  const auto graphic = [](char c) { return c > ' ' && c < 0x7f && c != '"'; };
  const auto at = std::find_if(text.begin() + 2, text.end(), graphic);
  REQUIRE(at != text.end());
  const Json stopped = Json::parse(world.output(command + " --stop=" + *at)).at("rows").at(0);
  CHECK(stopped.at("completion") == text.substr(0, text.find(*at)));
  CHECK(stopped.at("end") == "stop string");
  const auto drawn = [&](const std::string& flags) {
    return Json::parse(world.output(command + flags)).at("rows").at(0).at("completion");
  };
  CHECK(drawn(" --temperature 5 --seed 1") == drawn(" --temperature 5 --seed 1 --threads 2"));
  CHECK(drawn(" --temperature 5 --seed 1") != drawn(" --temperature 5 --seed 2"));
  CHECK(drawn(" --temperature 0") == text);
  CHECK(drawn(" --sample --top-k 1") == text);
  world.write("ids.json", world.output("tt-eval tokenize --model model --prompt cat --format json"));
  CHECK(Json::parse(
            world.output("tt-eval generate --model model --ids ids.json --max-new-tokens 12 --format json"))
            .at("rows")
            .at(0)
            .at("completion") == text);
  CHECK(world.run("tt-eval generate --model model --prompt cat --chat").status == 3);
  CHECK(world.run("tt-eval generate --model model --prompt cat --ids ids.json").status == 2);
  world.write("model/chat_template.jinja", "{{ messages[0].content }}");
  CHECK(Json::parse(world.output(command + " --chat")).at("prompt") == "cat");
}

TEST_CASE("a continuation is decoded together with its prompt, whose blank it would lose by itself") {
  const EvalWorld world;
  world.copy_model("words");
  // Every token begins with a blank, which a SentencePiece tokenizer takes off the first of a text.
  Json vocabulary = {{"<s>", 256}, {"</s>", 257}};
  for (int id = 0; id < 256; ++id)
    vocabulary[fmt::format("\u2581w{}", id)] = id;
  const Json decoder = {{"type", "Sequence"},
                        {"decoders",
                         {{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
                          {{"type", "Fuse"}},
                          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  const Json tokenizer = {
      {"version", "1.0"},
      {"added_tokens", Json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", nullptr},
      {"post_processor", nullptr},
      {"decoder", decoder},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}, {"unk_token", "<s>"}}}};
  world.write("words/tokenizer.json", tokenizer.dump());
  world.write("ids.json", "[7]");
  const std::string command = "tt-eval generate --model words --ids ids.json --max-new-tokens 3";
  const Json result = Json::parse(world.output(command + " --format json"));
  CHECK(result.at("prompt") == "w7");
  CHECK(result.at("rows").at(0).at("completion").get<std::string>().starts_with(" w"));
  CHECK(world.output(command).starts_with("== dense ==\nw7 w"));
  // Where the text is watched for a string, token by token, it is the same text.
  const Json stopped = Json::parse(world.output(command + " --stop w --format json")).at("rows").at(0);
  CHECK(stopped.at("completion") == " ");
  CHECK(stopped.at("end") == "stop string");
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
  named(config, R"({"add_prefix_space": true})", "puts no blank before a text");
  named(config, R"({"added_tokens_decoder": {"97": {"content": "<pad>"}}})",
        "added_tokens_decoder.97 is not followed");
  named(config, R"({"added_tokens_decoder": {"none": {"content": "a"}}})",
        "added_tokens_decoder.none is not followed");
  world.write("beside/" + config,
              R"({"add_prefix_space": false, "added_tokens_decoder": {"97": {"content": "a"}}})");
  CHECK(world.run("tt-eval run --strict --model beside --task a.txt").status == 0);
}

TEST_CASE("tokenize shows ids, and texts of ids") {
  const EvalWorld world;
  world.write("a_cat.txt", "a cat");
  const Json tokens =
      Json::parse(world.output("tt-eval tokenize --model model --text a_cat.txt --format json"));
  CHECK(tokens.at("ids").size() == tokens.at("pieces").size());
  CHECK(tokens.at("counts").at("tokens") == tokens.at("ids").size());
  CHECK(tokens.at("counts").at("bytes") == 5);
  world.write("t.json", tokens.dump());
  CHECK(world.output("tt-eval tokenize --model model --ids t.json --plain") == "a cat");
  const Json back = Json::parse(world.output("tt-eval tokenize --model model --ids t.json --format json"));
  CHECK(back.at("ids") == tokens.at("ids"));
  CHECK(world.output("tt-eval tokenize --model model --prompt cat").find("position") != std::string::npos);
  CHECK(world.run("tt-eval tokenize --model model").status == 2);
  CHECK(world.run("tt-eval tokenize --model model --ids 1,999999").status == 2);
  CHECK(world.run("tt-eval tokenize --model model --text none.txt").status == 3);
}

TEST_CASE("progress for machines is JSON lines on stderr; quiet is silent") {
  const EvalWorld world;
  const Outcome json = world.run("tt-eval run --model model --task quiz.jsonl --progress json");
  const Json line = Json::parse(json.err.substr(0, json.err.find('\n')));
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
  const Json first = Json::parse(outcome.err.substr(0, outcome.err.find('\n')));
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
  CHECK(kept.err.find("r.json holds the tasks that were finished") != std::string::npos);
  const Json runs = Json::parse(world.content("r.json")).at("runs");
  REQUIRE(runs.size() == 1);
  CHECK(runs.at(0).at("task").at("name") == "a");
  CHECK(runs.at(0).at("metrics") ==
        Json::parse(world.output("tt-eval run --model z-model --kv f16 --task a.txt "
                                 "--format json"))
            .at("runs")
            .at(0)
            .at("metrics"));
  CHECK(std::ranges::count(world.content("l.jsonl"), '\n') == 1);
  const Outcome printed = world.run(command + " --format json");
  CHECK(printed.status == 3);
  CHECK(Json::parse(printed.out).at("runs").size() == 1);
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
        "tt-eval report",      "tt-eval generate",     "tt-eval tokenize",      "tt-eval bench"}) {
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
