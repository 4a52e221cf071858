// Data sets that the program does not know, described in task files alone.
#include <map>

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/task_library.hpp"
#include "support/tokenizer_fixture.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// A user's library: the task file before those of the program.
std::vector<TaskDefinition> library_with(const TempDir& dir, const std::string& toml) {
  std::vector<TaskDefinition> library = {read_task_file(write_text(dir, "own.toml", toml))};
  library.front().own = true;
  for (const TaskDefinition& task : shipped_tasks())
    library.push_back(task);
  return library;
}

Problem refusal(const std::string& toml) {
  const TempDir dir;
  try {
    (void)read_task_file(write_text(dir, "own.toml", toml));
  } catch (const InputError& error) {
    Problem problem = error.problem();
    problem.where = problem.where.substr(dir.root().string().size() + 1);
    return problem;
  }
  return {.where = "accepted"};
}

const std::string kHead = "[task]\nname = \"mine\"\nkind = \"multiple-choice\"\n";

}  // namespace

TEST_CASE("three data sets that no line of C++ knows", "[own-task-files]") {
  const TempDir dir;
  SECTION("StoryCloze: two endings, numbered from 1") {
    const auto library = library_with(dir, R"toml(
[task]
name = "storycloze"
kind = "multiple-choice"
fields = ["input_sentence_1", "input_sentence_2", "sentence_quiz1", "sentence_quiz2", "answer_right_ending"]
context = "{input_sentence_1} {input_sentence_2}"
choices = ["{sentence_quiz1}", "{sentence_quiz2}"]
label = "{answer_right_ending}"
labels = ["1", "2"]
)toml");
    const Json line = {{"input_sentence_1", "Tim ran."},  {"input_sentence_2", "It rained."},
                       {"sentence_quiz1", "He was dry."}, {"sentence_quiz2", "He got wet."},
                       {"answer_right_ending", 2},        {"story_id", "x"}};
    const Task task = load_task(write_text(dir, "cloze.jsonl", line.dump()), library);
    const auto& example = std::get<std::vector<MultipleChoiceExample>>(task.examples)[0];
    CHECK(task.format == "storycloze");
    CHECK(example.contexts == std::vector<std::string>{"Tim ran. It rained."});
    CHECK(example.continuations == std::vector<std::string>{" He was dry.", " He got wet."});
    CHECK(example.label == 1);
  }
  SECTION("AG News: a label that is mapped to words") {
    const auto library = library_with(dir, R"toml(
[task]
name = "news"
kind = "multiple-choice"
fields = ["text", "label"]
context = "{text | strip}\nTopic:"
choices = ["World", "Sports", "Business", "Sci/Tech"]
label = "{label}"
[few-shot]
separator = "\n--\n"
)toml");
    const std::string lines =
        "{\"text\": \"Goal! \", \"label\": 1}\n{\"text\": \"Shares fell.\", \"label\": 2}\n";
    const Task task = load_task(write_text(dir, "news.jsonl", lines), library, {.limit = 1, .few_shot = 1});
    const auto& example = std::get<std::vector<MultipleChoiceExample>>(task.examples)[0];
    CHECK(example.contexts.front() == "Shares fell.\nTopic: Business\n--\nGoal!\nTopic:");
    CHECK(example.label == 1);
  }
  SECTION("TriviaQA-like: nested answers, a stop and an extraction of one's own") {
    const auto library = library_with(dir, R"toml(
[task]
name = "trivia"
kind = "generation"
fields = ["query", "answer.value"]
context = "Q: {query}\nA:"
target = "{answer.value}"
stop = ["\n"]
max-new-tokens = 16
[[match]]
extract = '[A-Za-z ]+'
ignore-case = true
ignore = ['\bthe\b ?']
)toml");
    const Json line = {{"query", "Who?"}, {"answer", {{"value", "The Beatles"}}}};
    const Task task = load_task(write_text(dir, "trivia.jsonl", line.dump()), library);
    const auto& example = std::get<std::vector<GenerationExample>>(task.examples)[0];
    CHECK(example.prompt == "Q: Who?\nA:");
    CHECK(example.stop == std::vector<std::string>{"\n"});
    CHECK(task.answer->matches.size() == 1);
  }
}

TEST_CASE("a user's task file goes before the program's, and must fit", "[own-task-files]") {
  const TempDir dir;
  const auto library =
      library_with(dir, kHead +
                            "fields = [\"goal\", \"sol1\", \"sol2\", \"label\"]\ncontext = \"{goal}\"\n"
                            "choices = [\"{sol1}\", \"{sol2}\"]\nlabel = \"{label}\"\n");
  const std::string piqa = R"({"goal": "g", "sol1": "a", "sol2": "b", "label": 0})";
  CHECK(load_task(write_text(dir, "p.jsonl", piqa), library).format == "mine");
  CHECK(load_task(write_text(dir, "p2.jsonl", piqa), library, {}, &library[0]).format == "mine");
  CHECK(load_task(write_text(dir, "g.jsonl", R"({"question": "q", "answer": "a #### 4"})"), library).format ==
        "gsm8k");
  CHECK_THROWS_AS(load_task(write_text(dir, "x.jsonl", R"({"goal": "g"})"), library), InputError);
}

TEST_CASE("what a user's task file says that a line must not be holds", "[own-task-files]") {
  const TempDir dir;
  const std::string task = kHead +
                           "fields = [\"q\", \"a\", \"b\", \"l\"]\ncontext = \"{q}\"\nchoices = [\"{a}\", "
                           "\"{b}\"]\nlabel = \"{l}\"\n";
  const std::string line = R"({"q": "q", "a": "a", "b": "b", "l": 0, "more": 1})";
  const auto path = write_text(dir, "q.jsonl", line);
  CHECK(load_task(path, library_with(dir, task)).format == "mine");
  for (const char* rule :
       {"refuse = [\"more\"]\n", "strict = true\n", "where.q = { matches = 'x', about = \"x\" }\n"}) {
    const auto library = library_with(dir, task + rule);
    CHECK_THROWS_AS(load_task(path, library), InputError);
    CHECK_THROWS_AS(load_task(path, library, {}, &library[0]), InputError);
  }
}

TEST_CASE("a label that two choices have, and fields of any line that nothing uses", "[own-task-files]") {
  const TempDir dir;
  const auto library = library_with(
      dir,
      kHead +
          "fields = [\"q\", \"l\"]\ncontext = \"{q}\"\nchoices = [\"a\", \"b\", \"c\"]\nlabel = \"{l}\"\n"
          "labels = [\"A\", \"B\", \"A\"]\n");
  CHECK_THROWS_AS(load_task(write_text(dir, "a.jsonl", R"({"q": "q", "l": "A"})"), library), InputError);
  const Task task = load_task(
      write_text(dir, "b.jsonl", "{\"q\": \"q\", \"l\": \"B\"}\n{\"q\": \"q\", \"l\": \"B\", \"late\": 1}\n"),
      library);
  REQUIRE(task.notes.size() == 1);
  CHECK(task.notes.front().ends_with("does not use the fields late"));
}

TEST_CASE("lists of a task file that are too short, or that the kind of task does not take",
          "[own-task-files]") {
  const TempDir dir;
  const std::string head = kHead + "fields = [\"q\"]\ncontext = \"{q}\"\nlabel = 0\n";
  CHECK(refusal(head + "choices = []\n").where == "own.toml:line 7:task.choices");
  CHECK(refusal(head + "choices = [\"a\", \"b\"]\nlabels = []\n").where == "own.toml:line 8:task.labels");
  const auto line = write_text(dir, "q.jsonl", R"({"q": "q"})");
  CHECK_THROWS_AS(load_task(line, library_with(dir, head + "choices = [\"a\"]\n")), InputError);
  const std::string words =
      "[task]\nname = \"mine\"\nkind = \"continuation\"\nfields = [\"q\"]\ncontinuation = \"{q}\"\n";
  CHECK(refusal(words + "context = []\n").where == "own.toml:line 6:task.context");
  CHECK_THROWS_AS(load_task(line, library_with(dir, words + "context = [\"a\", \"b\"]\n")), InputError);
  CHECK(load_task(line, library_with(dir, words + "context = [\"a\"]\n")).format == "mine");
}

TEST_CASE("task files with mistakes are refused with the place", "[own-task-files]") {
  const std::string rest = "choices = [\"a\", \"b\"]\nlabel = 0\n";
  CHECK(refusal("[task\n").where.starts_with("own.toml:line 1, column "));
  CHECK(refusal("x = 1\n").where == "own.toml:line 1:x");
  CHECK(refusal("[task]\nname = \"a:b\"\nkind = \"text\"").where == "own.toml:line 2:task.name");
  CHECK(refusal("[task]\nname = \"a\"\nkind = \"poem\"").where == "own.toml:line 3:task.kind");
  CHECK(refusal("[task]\nname = \"a\"").where == "own.toml:line 1:task.kind");
  CHECK(refusal(kHead + "context = \"{q}\"\n" + rest).what == "no fields");
  CHECK(refusal(kHead + "fields = [\"q\"]\n" + rest).where == "own.toml:line 1:task.context");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{q\"\n" + rest).where ==
        "own.toml:line 5:task.context");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"q}\"\n" + rest).where ==
        "own.toml:line 5:task.context");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{q | shout}\"\n" + rest).what ==
        "no such filter: shout");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{q | before}\"\n" + rest).what ==
        "filter before takes 1 argument");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{q | map m}\"\n" + rest).what == "no such map: m");
  CHECK(refusal(kHead + "fields = [\"q..r\"]\ncontext = \"{q}\"\n" + rest).where ==
        "own.toml:line 4:task.fields[0]");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{q}\"\ncolour = 1\n" + rest).where ==
        "own.toml:line 6:task.colour");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{q}\"\nstop = [\"x\"]\n" + rest).where ==
        "own.toml:line 6:task.stop");
  CHECK(
      refusal(kHead + "fields = [\"q\"]\ncontext = \"{q}\"\n" + rest + "[[match]]\nextract = 'x'\n").where ==
      "own.toml:line 8:match");
  CHECK(refusal(kHead + "fields = [\"q\"]\ncontext = \"{{{q | after '\\\\''}}}\"\n" + rest).where ==
        "accepted");
}

TEST_CASE("the form of the specification is a task file", "[own-task-files]") {
  const TempDir dir;
  const auto library = library_with(dir, R"toml(
[task]
name = "arc"
kind = "multiple-choice"
fields = ["question", "choices", "answerKey"]
context = "Question: {question}\nAnswer:"
choices = "{choices.text}"
label = "{answerKey}"
labels = "{choices.label}"
delimiter = " "
[few-shot]
separator = "\n\n"
file = "dev.jsonl"
description = "Science.\n\n"
)toml");
  const Json line = {{"question", "Hot?"},
                     {"choices", {{"text", {"ice", "fire"}}, {"label", {"1", "2"}}}},
                     {"answerKey", "2"}};
  const auto path = write_text(dir, "test.jsonl", line.dump());
  write_text(dir, "dev.jsonl", line.dump());
  const Task task = load_task(path, library, {.few_shot = 1});
  const auto& example = std::get<std::vector<MultipleChoiceExample>>(task.examples)[0];
  CHECK(example.contexts.front() == "Science.\n\nQuestion: Hot?\nAnswer: fire\n\nQuestion: Hot?\nAnswer:");
  CHECK(example.label == 1);
}

TEST_CASE("a default that no template reads, and a condition on a field that a line lacks",
          "[own-task-files]") {
  const TempDir dir;
  const std::string task =
      kHead + "fields = [\"q\"]\ncontext = \"{q}\"\nchoices = [\"a\", \"{b}\"]\nlabel = 0\n";
  const auto path = write_text(dir, "q.jsonl", R"({"q": "q"})");
  CHECK(load_task(path, library_with(dir, task + "[task.default]\nb = \"b\"\n")).format == "mine");
  CHECK_THROWS_AS(library_with(dir, task + "[task.default]\nb = \"b\"\nbb = \"c\"\n"), InputError);
  try {
    const auto library = library_with(
        dir, task + "where.late = { matches = 'x', about = \"x\" }\n[task.default]\nb = \"b\"\n");
    (void)load_task(path, library, {}, &library[0]);
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == path.string() + ":1");
    CHECK(error.problem().found.find("no late") == 0);
  }
}
