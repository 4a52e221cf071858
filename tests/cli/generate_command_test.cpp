// tt-eval generate and tokenize as a user runs them.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "cli/eval_world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {
using GenerateJson = nlohmann::json;
}  // namespace

TEST_CASE("generate continues a prompt under every policy") {
  const EvalWorld world;
  const std::string command = "tt-eval generate --model model --prompt cat --max-new-tokens 5";
  CHECK(world.output(command).starts_with("== dense ==\ncat"));
  const GenerateJson result = GenerateJson::parse(
      world.output(command + " --attention dense theta --thresholds theta.h5 -k 4 --format json"));
  REQUIRE(result.at("rows").size() == 2);
  CHECK(result.at("rows").at(0).at("new_tokens") == 5);
  CHECK(result.at("rows").at(0).at("kept_elements") == 1);
}

TEST_CASE("generate stops at a string, draws by the seed, takes ids") {
  const EvalWorld world;
  const std::string command = "tt-eval generate --model model --prompt cat --max-new-tokens 12 --format json";
  const GenerateJson whole = GenerateJson::parse(world.output(command)).at("rows").at(0);
  const auto text = whole.at("completion").get<std::string>();
  REQUIRE(text.size() > 3);
  const auto graphic = [](char c) { return c > ' ' && c < 0x7f && c != '"'; };
  const auto at = std::find_if(text.begin() + 2, text.end(), graphic);
  REQUIRE(at != text.end());
  const GenerateJson stopped = GenerateJson::parse(world.output(command + " --stop=" + *at)).at("rows").at(0);
  CHECK(stopped.at("completion") == text.substr(0, text.find(*at)));
  CHECK(stopped.at("end") == "stop string");
  const auto drawn = [&](const std::string& flags) {
    return GenerateJson::parse(world.output(command + flags)).at("rows").at(0).at("completion");
  };
  CHECK(drawn(" --temperature 5 --seed 1") == drawn(" --temperature 5 --seed 1 --threads 2"));
  CHECK(drawn(" --temperature 5 --seed 1") != drawn(" --temperature 5 --seed 2"));
  CHECK(drawn(" --temperature 0") == text);
  CHECK(drawn(" --sample --top-k 1") == text);
  world.write("ids.json", world.output("tt-eval tokenize --model model --prompt cat --format json"));
  CHECK(GenerateJson::parse(
            world.output("tt-eval generate --model model --ids ids.json --max-new-tokens 12 --format json"))
            .at("rows")
            .at(0)
            .at("completion") == text);
  CHECK(world.run("tt-eval generate --model model --prompt cat --chat").status == 3);
  CHECK(world.run("tt-eval generate --model model --prompt cat --ids ids.json").status == 2);
  world.write("model/chat_template.jinja", "{{ messages[0].content }}");
  CHECK(GenerateJson::parse(world.output(command + " --chat")).at("prompt") == "cat");
}

TEST_CASE("a continuation is decoded together with its prompt, whose blank it would lose by itself") {
  const EvalWorld world;
  world.copy_model("words");
  // Every token begins with a blank, which a SentencePiece tokenizer takes off the first of a text.
  GenerateJson vocabulary = {{"<s>", 256}, {"</s>", 257}};
  for (int id = 0; id < 256; ++id)
    vocabulary[fmt::format("\u2581w{}", id)] = id;
  const GenerateJson decoder = {
      {"type", "Sequence"},
      {"decoders",
       {{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
        {{"type", "Fuse"}},
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}};
  const GenerateJson tokenizer = {
      {"version", "1.0"},
      {"added_tokens", GenerateJson::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", nullptr},
      {"post_processor", nullptr},
      {"decoder", decoder},
      {"model",
       {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", GenerateJson::array()}, {"unk_token", "<s>"}}}};
  world.write("words/tokenizer.json", tokenizer.dump());
  world.write("ids.json", "[7]");
  const std::string command = "tt-eval generate --model words --ids ids.json --max-new-tokens 3";
  const GenerateJson result = GenerateJson::parse(world.output(command + " --format json"));
  CHECK(result.at("prompt") == "w7");
  CHECK(result.at("rows").at(0).at("completion").get<std::string>().starts_with(" w"));
  CHECK(world.output(command).starts_with("== dense ==\nw7 w"));
  // Where the text is watched for a string, token by token, it is the same text.
  const GenerateJson stopped =
      GenerateJson::parse(world.output(command + " --stop w --format json")).at("rows").at(0);
  CHECK(stopped.at("completion") == " ");
  CHECK(stopped.at("end") == "stop string");
}

TEST_CASE("tokenize shows ids, and texts of ids") {
  const EvalWorld world;
  world.write("a_cat.txt", "a cat");
  const GenerateJson tokens =
      GenerateJson::parse(world.output("tt-eval tokenize --model model --text a_cat.txt --format json"));
  CHECK(tokens.at("ids").size() == tokens.at("pieces").size());
  CHECK(tokens.at("counts").at("tokens") == tokens.at("ids").size());
  CHECK(tokens.at("counts").at("bytes") == 5);
  world.write("t.json", tokens.dump());
  CHECK(world.output("tt-eval tokenize --model model --ids t.json --plain") == "a cat");
  const GenerateJson back =
      GenerateJson::parse(world.output("tt-eval tokenize --model model --ids t.json --format json"));
  CHECK(back.at("ids") == tokens.at("ids"));
  CHECK(world.output("tt-eval tokenize --model model --prompt cat").find("position") != std::string::npos);
  CHECK(world.run("tt-eval tokenize --model model").status == 2);
  CHECK(world.run("tt-eval tokenize --model model --ids 1,999999").status == 2);
  CHECK(world.run("tt-eval tokenize --model model --text none.txt").status == 3);
}
