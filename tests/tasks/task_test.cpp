#include "tasks/task.hpp"

#include <set>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

std::string numbered(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    lines += Json{{"prompt", "q" + std::to_string(i)}, {"answer", "a" + std::to_string(i)}}.dump() + "\n";
  }
  return lines;
}

std::vector<std::string> prompts(const Task& task) {
  std::vector<std::string> list;
  for (const auto& example : std::get<std::vector<GenerationExample>>(task.examples))
    list.push_back(example.prompt);
  return list;
}

Problem problem_of(const std::string& name, const std::string& text, const TaskOptions& options = {}) {
  const TempDir dir;
  try {
    (void)load_task(write_text(dir, name, text), options);
  } catch (const InputError& error) {
    Problem problem = error.problem();
    problem.where = problem.where.substr(dir.root().string().size() + 1);
    return problem;
  }
  return {};
}

}  // namespace

TEST_CASE("a text file is one document", "[task]") {
  const TempDir dir;
  const std::string text = "Ünïcode,\r\nas it is.\n";
  const auto path = write_text(dir, "story.txt", text);
  const Task task = load_task(path, {.few_shot = 3});
  CHECK(task.kind() == TaskKind::text);
  CHECK(name_of(task.kind()) == "text");
  CHECK(task.name == "story");
  CHECK(task.path == path.string());
  CHECK(task.sha256 == sha256_of_path(path));
  CHECK(task.size() == 1);
  CHECK(std::get<std::vector<TextDocument>>(task.examples)[0].text == text);
}

TEST_CASE("lines of JSON are one example each, blank lines aside", "[task]") {
  const TempDir dir;
  const Task task =
      load_task(write_text(dir, "a.b.jsonl", "\xEF\xBB\xBF" + numbered(2) + "\n \r\n" + numbered(1)));
  CHECK(task.name == "a.b");
  CHECK(task.format == "generation");
  CHECK(name_of(task.kind()) == "generation");
  CHECK(prompts(task) == std::vector<std::string>{"q0", "q1", "q0"});
  CHECK(load_task(write_text(dir, "end.jsonl", R"({"text": "a b"})")).size() ==
        1);  // no line break at the end
}

TEST_CASE("a limit takes the first examples", "[task]") {
  const TempDir dir;
  const auto path = write_text(dir, "a.jsonl", numbered(5));
  CHECK(prompts(load_task(path, {.limit = 2})) == std::vector<std::string>{"q0", "q1"});
  CHECK(load_task(path, {.limit = 50}).size() == 5);
  CHECK_THROWS_AS(load_task(path, {.limit = 0}), UsageError);
}

TEST_CASE("few-shot examples come from the same file, never the example itself", "[task]") {
  const TempDir dir;
  const auto path = write_text(dir, "a.jsonl", numbered(6));
  SECTION("the first ones") {
    const auto list = prompts(load_task(path, {.limit = 4, .few_shot = 2}));
    CHECK(list[0] == "q1 a1\n\nq2 a2\n\nq0");
    CHECK(list[1] == "q0 a0\n\nq2 a2\n\nq1");
    CHECK(list[3] == "q0 a0\n\nq1 a1\n\nq3");
  }
  SECTION("drawn from a seed") {
    const auto list = prompts(load_task(path, {.few_shot = 3, .few_shot_seed = 5}));
    CHECK(list == prompts(load_task(path, {.few_shot = 3, .few_shot_seed = 5})));
    CHECK(list != prompts(load_task(path, {.few_shot = 3, .few_shot_seed = 6})));
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::set<std::string> shown;
      for (std::size_t at = 0; at + 7 < list[i].size(); at += 7)
        shown.insert(list[i].substr(at, 5));
      CHECK(shown.size() == 3);
      CHECK(shown.count("q" + std::to_string(i) + " a" + std::to_string(i)) == 0);
    }
    // A limit changes nothing about the examples that remain.
    CHECK(prompts(load_task(path, {.limit = 1, .few_shot = 3, .few_shot_seed = 5}))[0] == list[0]);
  }
  SECTION("all the others, and not one more") {
    CHECK(load_task(path, {.few_shot = 5, .few_shot_seed = 1}).size() == 6);
    CHECK_THROWS_AS(load_task(path, {.few_shot = 6}), UsageError);
    CHECK_THROWS_AS(load_task(path, {.few_shot = -1}), UsageError);
  }
}

TEST_CASE("few-shot examples go before every context of a choice", "[task]") {
  const TempDir dir;
  const std::string line =
      R"({"sentence": "A saw B as _ ran", "option1": "A", "option2": "B", "answer": "1"})";
  const Task task = load_task(write_text(dir, "w.jsonl", line + "\n" + line), {.few_shot = 1});
  const auto& example = std::get<std::vector<MultipleChoiceExample>>(task.examples)[0];
  CHECK(example.contexts ==
        std::vector<std::string>{"A saw B as A ran\n\nA saw B as A", "A saw B as A ran\n\nA saw B as B"});
}

TEST_CASE("bad files are refused with file, line and field", "[task]") {
  const TempDir dir;
  CHECK_THROWS_AS(load_task(dir.path("missing.jsonl")), InputError);
  CHECK_THROWS_AS(load_task(dir.root()), InputError);
  CHECK(problem_of("a.txt", "").where == "a.txt");
  CHECK(problem_of("a.txt", "ab\xFF").where == "a.txt: byte 2");
  CHECK(problem_of("a.jsonl", "").where == "a.jsonl");
  CHECK(problem_of("a.jsonl", "\n \n").what == "no examples");
  CHECK(problem_of("a.jsonl", "Once upon a time").where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", numbered(2) + "{\"prompt\": ").where == "a.jsonl:3");
  CHECK(problem_of("a.jsonl", "[1]").where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", "{\"text\": \"a \xFF\"}").where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", std::string(100'000, '[')).where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", numbered(1) + "\n{\"prompt\": \"x\"}").where == "a.jsonl:3: answer");
  CHECK(problem_of("a.jsonl", numbered(1) + R"({"text": "of another kind"})").where == "a.jsonl:2: prompt");
  const Problem unknown = problem_of("a.jsonl", R"({"input": 1, "output": 2})");
  CHECK(unknown.where == "a.jsonl:1");
  CHECK(unknown.found == "input, output");
  for (const char* name :
       {"HellaSwag", "ARC", "PIQA", "WinoGrande", "BoolQ", "LAMBADA", "GSM8K", "HumanEval"}) {
    CHECK(unknown.expected.find(name) != std::string::npos);
  }
}

TEST_CASE("words are counted as the harness counts them", "[task]") {
  CHECK(count_words("one") == 1);
  CHECK(count_words("one two\n\nthree") == 3);
  CHECK(count_words(" one two ") == 4);  // the empty pieces at both ends count
  CHECK(count_words("a\u3000b\x1C"
                    "c") == 3);
}
