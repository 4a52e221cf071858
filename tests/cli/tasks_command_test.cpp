// tt-eval tasks, and the flags of tt-eval run that say how tasks are read and answered.
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/world.hpp"
#include "support/catch.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

using Json = nlohmann::json;

constexpr const char* kPrompts = R"({"prompt": "Say a:", "answer": "a", "stop": ["."], "max_new_tokens": 6})"
                                 "\n"
                                 R"({"prompt": "Say b:", "answer": "b", "stop": ["."], "max_new_tokens": 6})"
                                 "\n";

constexpr const char* kRiddles = R"(
[task]
name = "riddles"
kind = "multiple-choice"
about = "Riddles of ours"
fields = ["riddle", "guesses", "right"]
context = "Riddle: {riddle}\nAnswer:"
choices = "{guesses}"
label = "{right}"
delimiter = " "
[few-shot]
separator = "\n\n"
description = "Guess.\n\n"
)";

struct TasksWorld : World {
  TasksWorld() {
    write("prompts.jsonl", kPrompts);
    write("riddles.toml", kRiddles);
    write("riddles.jsonl",
          R"({"riddle": "Has hands and no arms", "guesses": ["a clock", "a hat"], "right": 0})"
          "\n");
    write("solved.jsonl",
          R"({"riddle": "Has a neck and no head", "guesses": ["a stone", "a bottle"], "right": 1})"
          "\n");
  }
  [[nodiscard]] Json json(const std::string& command) const { return Json::parse(output(command)); }
  [[nodiscard]] std::vector<Json> lines(const std::string& name) const {
    std::istringstream stream(content(name));
    std::vector<Json> all;
    for (std::string line; std::getline(stream, line);)
      all.push_back(Json::parse(line));
    return all;
  }
};

const std::string kRun = "tt-eval run --model model --format json --task ";

}  // namespace

TEST_CASE("tasks lists what comes with the program, and one's own", "[tasks]") {
  const TasksWorld world;
  const Json listed = world.json("tt-eval tasks --task-file riddles.toml --format json");
  std::string names;
  for (const Json& row : listed.at("rows"))
    names += row.at("name").get<std::string>() + " ";
  for (const char* name : {"riddles ", "hellaswag ", "arc ", "mmlu ", "gsm8k ", "humaneval ", "wikitext "})
    CHECK(names.find(name) != std::string::npos);
  CHECK(world.output("tt-eval tasks").find("multiple-choice") != std::string::npos);
  CHECK(world.run("tt-eval tasks list extra").status == 2);
  CHECK(world.run("tt-eval tasks --limit 3").status == 2);
  CHECK(world.run("tt-eval tasks --task-file none.toml").status == 3);
}

TEST_CASE("tasks show prints finished prompts, with solved examples from another file", "[tasks]") {
  const TasksWorld world;
  const std::string show = "tt-eval tasks show riddles riddles.jsonl --task-file riddles.toml ";
  const Json plain = world.json(show + "--format json --model model").at("examples").at(0).at("requests");
  CHECK(plain.at(0).at("context") == "Guess.\n\nRiddle: Has hands and no arms\nAnswer:");
  CHECK(plain.at(0).at("continuation") == " a clock");
  CHECK(plain.at(0).at("right") == true);
  CHECK(plain.at(0).at("context_tokens") == 46);  // a byte is a token; BOS is not put
  const Json shots = world.json(show + "--few-shot 1 --few-shot-file solved.jsonl --format json");
  CHECK(
      shots.at("examples").at(0).at("requests").at(0).at("context") ==
      "Guess.\n\nRiddle: Has a neck and no head\nAnswer: a bottle\n\nRiddle: Has hands and no arms\nAnswer:");
  CHECK(world.output(show).find("Riddle:·Has·hands·and·no·arms⏎") != std::string::npos);
  CHECK(world.run(show + "--few-shot 1").status == 2);  // the only example cannot show itself
  CHECK(world.run(show + "--few-shot 2 --few-shot-file solved.jsonl").status == 2);
  CHECK(world.run("tt-eval tasks show nosuch riddles.jsonl").status == 2);
  CHECK(world.run("tt-eval tasks show riddles.jsonl").status == 3);  // no task of the program fits
  CHECK(world.run("tt-eval tasks show").status == 2);
  const Outcome unfit =
      world.run("tt-eval tasks show arc riddles.jsonl");  // two of its forms have a question
  CHECK(unfit.status == 3);
  CHECK(unfit.err.find("no question; or no question.stem") != std::string::npos);
}

TEST_CASE("tasks make hides things at a length, by the seed", "[tasks]") {
  const TasksWorld world;
  // Sentences of four words, no word twice.
  std::string text;
  for (int i = 0; i < 400; ++i) {
    for (const int letter : {i / 26, i % 26, i % 7, i % 11})
      text += static_cast<char>('a' + letter);
    text += i % 4 == 3 ? ". " : " ";
  }
  world.write("long.txt", text);
  for (const std::string kind : {"needle", "multi-key", "variable-tracking", "common-words"}) {
    INFO(kind);
    const std::string make =
        "tt-eval tasks make " + kind + " --model model --length 900 --count 2 --text long.txt b.txt --seed ";
    const Outcome made = world.run(make + "1 -o made.jsonl");
    INFO(made.err);
    REQUIRE(made.status == 0);
    const auto lines = world.lines("made.jsonl");
    REQUIRE(lines.size() == 2);
    for (const Json& line : lines) {
      CHECK(line.at("tokens") <= 900);
      CHECK(line.contains("distance"));
    }
    CHECK(world.output(make + "1") == world.content("made.jsonl"));
    CHECK(world.output(make + "2") != world.content("made.jsonl"));
  }
  CHECK(world.json("tt-eval tasks show made.jsonl --format json").at("kind") == "generation");
  CHECK(world.run("tt-eval tasks make nosuch --length 200 --count 1").status == 2);
  CHECK(world.run("tt-eval tasks make needle --length 20 --count 1").status == 2);
}

TEST_CASE("run takes a task by its name, one's own task files, and solved examples", "[tasks]") {
  const TasksWorld world;
  CHECK(world.json(kRun + "multiple-choice:quiz.jsonl").at("runs").at(0).at("task").at("definition") ==
        "multiple-choice");
  CHECK(world.run(kRun + "nosuch:quiz.jsonl").status == 2);
  CHECK(world.run(kRun + "hellaswag:quiz.jsonl").status == 3);
  const Json own = world.json(kRun + "riddles.jsonl --task-file riddles.toml");
  CHECK(own.at("runs").at(0).at("task").at("definition") == "riddles");
  const auto named = [&own](const std::string& file) {
    for (const Json& input : own.at("provenance").at("inputs"))
      if (input.at("path").get<std::string>().find(file) != std::string::npos) return true;
    return false;
  };
  CHECK(named("riddles.toml"));
  CHECK(world.run(kRun + "quiz.jsonl --task-file riddles.toml").status == 2);  // describes none of the tasks
  CHECK(world.run(kRun + "quiz.jsonl --few-shot-file solved.jsonl").status == 2);
  (void)world.output(kRun + "riddles.jsonl --task-file riddles.toml --log-samples plain.jsonl");
  (void)world.output(kRun +
                     "riddles.jsonl --task-file riddles.toml --few-shot 1 --few-shot-file solved.jsonl "
                     "--log-samples shots.jsonl");
  CHECK(world.lines("plain.jsonl").at(0).at("prompt_sha256") !=
        world.lines("shots.jsonl").at(0).at("prompt_sha256"));
}

TEST_CASE("--log-samples has a line for every example and policy", "[tasks]") {
  const TasksWorld world;
  (void)world.output(kRun + "quiz.jsonl prompts.jsonl --attention dense topk:k=4 --log-samples log.jsonl");
  const auto lines = world.lines("log.jsonl");
  REQUIRE(lines.size() == 8);
  CHECK(lines[0].at("policy") == "dense");
  CHECK(lines[0].at("log_likelihoods").size() == 2);
  CHECK(lines[0].at("place") == "quiz.jsonl:1");
  CHECK(lines[0].at("label") == 0);
  CHECK(lines[7].at("task") == "prompts");
  CHECK(lines[7].at("policy_index") == 1);
  CHECK(lines[7].contains("completion"));
  CHECK(lines[7].contains("exact_match"));
  CHECK(world.run(kRun + "quiz.jsonl --log-samples quiz.jsonl").status == 2);
}

TEST_CASE("completions are drawn, stopped and counted in time as asked", "[tasks]") {
  const TasksWorld world;
  const auto completions = [&world](const std::string& flags) {
    (void)world.output(kRun + "prompts.jsonl --log-samples log.jsonl " + flags);
    std::string all;
    for (const Json& line : world.lines("log.jsonl"))
      all += line.at("completion").dump() + " ";
    return all;
  };
  const std::string drawn = completions("--temperature 3 --seed 1");
  CHECK(drawn == completions("--temperature 3 --seed 1 --threads 2"));
  CHECK(drawn != completions("--temperature 3 --seed 2"));
  CHECK(completions("--temperature 0") == completions(""));
  CHECK(completions("--sample --top-k 1") == completions(""));
  CHECK(completions("--max-new-tokens 2") != completions(""));
  CHECK(world.output("tt-eval run --model model --task prompts.jsonl").find("tokens/s") != std::string::npos);
  CHECK(world.run(kRun + "quiz.jsonl --sample").status == 2);  // nothing is generated
  CHECK(world.run(kRun + "quiz.jsonl --stop=x").status == 2);
  CHECK(world.run(kRun + "prompts.jsonl --top-p 2").status == 2);
}

TEST_CASE("--chat puts prompts as the model's template does, and is refused without one", "[tasks]") {
  const TasksWorld world;
  CHECK(world.run(kRun + "prompts.jsonl --chat").status == 3);
  CHECK(world.run(kRun + "prompts.jsonl --system x").status == 2);
  CHECK(world.run("tt-eval tasks show prompts.jsonl --chat").status == 2);
  world.write("model/chat_template.jinja",
              "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]");
  const std::string show =
      "tt-eval tasks show riddles riddles.jsonl --task-file riddles.toml --model model --chat ";
  const Json shown = world.json(show + "--few-shot 1 --few-shot-file solved.jsonl --format json");
  const Json& request = shown.at("examples").at(0).at("requests").at(0);
  CHECK(
      request.at("context") ==
      "[system]Guess.\n\n[user]Riddle: Has a neck and no head\nAnswer: a bottle\n\nRiddle: Has hands and no "
      "arms\nAnswer:[assistant]");
  CHECK(request.at("continuation") == "a clock");
  (void)world.output(kRun + "prompts.jsonl --chat --system Be --log-samples with.jsonl");
  (void)world.output(kRun + "prompts.jsonl --chat --log-samples without.jsonl");
  CHECK(world.lines("with.jsonl").at(0).at("prompt_sha256") !=
        world.lines("without.jsonl").at(0).at("prompt_sha256"));
  CHECK(world.run(kRun + "a.txt --chat").status == 2);
}

TEST_CASE("--output-error measures every head, at the same bytes on any number of threads", "[tasks]") {
  const TasksWorld world;
  const std::string run = kRun + "a.txt prompts.jsonl --attention dense topk:k=4 --output-error";
  const Json runs = world.json(run).at("runs");
  CHECK_FALSE(runs.at(0).at("sparsity").contains("output_error"));
  for (const std::size_t sparse : {1, 3})
    for (const Json& head : runs.at(sparse).at("sparsity").at("per_head")) {
      CHECK(head.at("output_error").get<double>() > 0);
      CHECK(head.at("output_cosine").get<double>() <= 1);
    }
  Json one = world.json(run + " --threads 1").at("runs");
  Json two = world.json(run + " --threads 2").at("runs");
  for (Json* each : {&one, &two})
    for (Json& result : *each)
      result.erase("seconds");
  CHECK(one == two);
  CHECK(world.output("tt-eval run --model model --task a.txt --attention topk:k=4 --output-error")
            .find("worst head") != std::string::npos);
}
