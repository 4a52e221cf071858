#include "tasks/task.hpp"

#include <set>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "support/catch.hpp"
#include "support/task_library.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

Task load(const std::filesystem::path& path, const TaskOptions& options = {}) {
  return load_task(path, shipped_tasks(), options);
}

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
    (void)load(write_text(dir, name, text), options);
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
  const Task task = load(path, {.few_shot = 3});
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
      load(write_text(dir, "a.b.jsonl", "\xEF\xBB\xBF" + numbered(2) + "\n \r\n" + numbered(1)));
  CHECK(task.name == "a.b");
  CHECK(task.format == "generation");
  CHECK(name_of(task.kind()) == "generation");
  CHECK(prompts(task) == std::vector<std::string>{"q0", "q1", "q0"});
  CHECK(load(write_text(dir, "end.jsonl", R"({"text": "a b c"})")).size() == 1);  // no line break at the end
}

TEST_CASE("a limit takes the first examples", "[task]") {
  const TempDir dir;
  const auto path = write_text(dir, "a.jsonl", numbered(5));
  CHECK(prompts(load(path, {.limit = 2})) == std::vector<std::string>{"q0", "q1"});
  CHECK(load(path, {.limit = 50}).size() == 5);
  CHECK_THROWS_AS(load(path, {.limit = 0}), UsageError);
}

TEST_CASE("few-shot examples come from the same file, never the example itself", "[task]") {
  const TempDir dir;
  const auto path = write_text(dir, "a.jsonl", numbered(6));
  SECTION("the first ones") {
    const auto list = prompts(load(path, {.limit = 4, .few_shot = 2}));
    CHECK(list[0] == "q1 a1\n\nq2 a2\n\nq0");
    CHECK(list[1] == "q0 a0\n\nq2 a2\n\nq1");
    CHECK(list[3] == "q0 a0\n\nq1 a1\n\nq3");
  }
  SECTION("drawn from a seed") {
    const auto list = prompts(load(path, {.few_shot = 3, .few_shot_seed = 5}));
    CHECK(list == prompts(load(path, {.few_shot = 3, .few_shot_seed = 5})));
    CHECK(list != prompts(load(path, {.few_shot = 3, .few_shot_seed = 6})));
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::set<std::string> shown;
      for (std::size_t at = 0; at + 7 < list[i].size(); at += 7)
        shown.insert(list[i].substr(at, 5));
      CHECK(shown.size() == 3);
      CHECK(shown.count("q" + std::to_string(i) + " a" + std::to_string(i)) == 0);
    }
    // A limit changes nothing about the examples that remain.
    CHECK(prompts(load(path, {.limit = 1, .few_shot = 3, .few_shot_seed = 5}))[0] == list[0]);
  }
  SECTION("all the others, and not one more") {
    CHECK(load(path, {.few_shot = 5, .few_shot_seed = 1}).size() == 6);
    CHECK_THROWS_AS(load(path, {.few_shot = 6}), UsageError);
    CHECK_THROWS_AS(load(path, {.few_shot = -1}), UsageError);
  }
}

TEST_CASE("few-shot examples go before every context of a choice", "[task]") {
  const TempDir dir;
  const std::string line =
      R"({"sentence": "A saw B as _ ran", "option1": "A", "option2": "B", "answer": "1"})";
  const Task task = load(write_text(dir, "w.jsonl", line + "\n" + line), {.few_shot = 1});
  const auto& example = std::get<std::vector<MultipleChoiceExample>>(task.examples)[0];
  CHECK(example.contexts ==
        std::vector<std::string>{"A saw B as A ran\n\nA saw B as A", "A saw B as A ran\n\nA saw B as B"});
}

TEST_CASE("bad files are refused with file, line and field", "[task]") {
  const TempDir dir;
  CHECK_THROWS_AS(load(dir.path("missing.jsonl")), InputError);
  CHECK_THROWS_AS(load(dir.root()), InputError);
  CHECK(problem_of("a.txt", "").where == "a.txt");
  CHECK(problem_of("a.txt", "ab\xFF").where == "a.txt: byte 2");
  CHECK(problem_of("a.jsonl", "").where == "a.jsonl");
  CHECK(problem_of("a.jsonl", "\n \n").what == "no examples");
  CHECK(problem_of("a.jsonl", "Once upon a time").where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", numbered(2) + "{\"prompt\": ").where == "a.jsonl:3:column 12");
  CHECK(problem_of("a.jsonl", "[1]").where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", "{\"text\": \"a \xFF\"}").where == "a.jsonl:1:column 13");
  CHECK(problem_of("a.jsonl", std::string(100'000, '[')).where == "a.jsonl:1");
  CHECK(problem_of("a.jsonl", numbered(1) + "\n{\"prompt\": \"x\"}").where == "a.jsonl:3");
  CHECK(problem_of("a.jsonl", numbered(1) + R"({"text": "of another kind"})").where == "a.jsonl:2");
  const Problem unknown = problem_of("a.jsonl", R"({"input": 1, "output": 2})");
  CHECK(unknown.where == "a.jsonl:1");
  CHECK(unknown.found == "input, output");
  for (const char* name :
       {"hellaswag", "arc", "piqa", "winogrande", "boolq", "lambada", "gsm8k", "humaneval"}) {
    CHECK(unknown.expected.find(name) != std::string::npos);
  }
}

TEST_CASE("solved examples come from another file, by subject", "[task]") {
  const TempDir dir;
  const auto line = [](const std::string& subject, int number) {
    return Json{{"question", "q" + std::to_string(number)},
                {"choices", {"x", "y"}},
                {"answer", number % 2},
                {"subject", subject}}
               .dump() +
           "\n";
  };
  const auto path = write_text(dir, "test.jsonl", line("a", 1) + line("b", 2));
  write_text(dir, "mmlu_a_dev.jsonl", line("a", 3) + line("a", 4));
  const auto contexts = [](const Task& task) {
    std::vector<std::string> all;
    for (const auto& example : std::get<std::vector<MultipleChoiceExample>>(task.examples))
      all.push_back(example.contexts.front());
    return all;
  };
  const std::string about = "The following are multiple choice questions (with answers) about ";
  CHECK(contexts(load(path))[1] == about + "b.\n\nq2\nA. x\nB. y\nAnswer:");
  const Task first = load(path, {.limit = 1, .few_shot = 2});
  CHECK(contexts(first)[0] ==
        about +
            "a.\n\nq3\nA. x\nB. y\nAnswer: B\n\nq4\nA. x\nB. y\nAnswer: A\n\nq1\nA. x\nB. "
            "y\nAnswer:");
  REQUIRE(first.inputs.size() == 1);
  CHECK(first.inputs[0].path == dir.path("mmlu_a_dev.jsonl").string());
  CHECK_THROWS_AS(load(path, {.few_shot = 2}), InputError);  // there is no mmlu_b_dev.jsonl
  const auto all = write_text(dir, "all.jsonl", line("b", 5) + line("a", 6) + line("b", 7));
  CHECK(contexts(load(path, {.few_shot = 1, .few_shot_file = all}))[0] ==
        about + "a.\n\nq6\nA. x\nB. y\nAnswer: A\n\nq1\nA. x\nB. y\nAnswer:");
  CHECK_THROWS_AS(load(path, {.few_shot = 2, .few_shot_file = all}), UsageError);  // one of subject a
}

TEST_CASE("a task named by the user asks for its fields only", "[task]") {
  const TempDir dir;
  const auto path = write_text(dir, "corpus.jsonl", "{\"text\": \"All day.\", \"url\": \"x\"}\n");
  CHECK_THROWS_AS(load(path), InputError);
  const Task task = load_task(path, shipped_tasks(), {}, &shipped_task("text"));
  CHECK(task.kind() == TaskKind::text);
  CHECK(task.notes.size() == 1);
  CHECK(task.notes[0].find("url") != std::string::npos);
  CHECK_THROWS_AS(load_task(path, shipped_tasks(), {}, &shipped_task("arc")), InputError);
}

TEST_CASE("WikiText's plain file is cut at its titles", "[task]") {
  const TempDir dir;
  const auto path =
      write_text(dir, "wiki.raw", " \n = One = \n \n a @-@ b \n = = Part = = \n c \n = Two = \n d \n");
  CHECK(load(path).size() == 1);
  const Task task = load_task(path, shipped_tasks(), {}, &shipped_task("wikitext"));
  REQUIRE(task.size() == 2);
  const auto& documents = std::get<std::vector<TextDocument>>(task.examples);
  CHECK(documents[0].text == " = One =\n\na-b\n== Part ==\nc ");
  CHECK(documents[1].original == " = Two = \n d \n");
}

TEST_CASE("words are counted as the harness counts them", "[task]") {
  CHECK(count_words("one") == 1);
  CHECK(count_words("one two\n\nthree") == 3);
  CHECK(count_words(" one two ") == 4);  // the empty pieces at both ends count
  CHECK(count_words("a\u3000b\x1C"
                    "c") == 3);
}
