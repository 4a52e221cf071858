#include "tasks/repeats.hpp"

#include "support/catch.hpp"
#include "support/task_library.hpp"
#include "support/tokenizer_fixture.hpp"
#include "tasks/task.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

// The notes of a data set of these lines, without the path in front.
std::vector<std::string> notes_on(const std::vector<std::string>& lines, const TaskOptions& options = {}) {
  const TempDir dir;
  std::string text;
  for (const std::string& line : lines)
    text += line + "\n";
  const auto path = write_text(dir, "quiz.jsonl", text);
  std::vector<std::string> notes = load_task(path, shipped_tasks(), options).notes;
  for (std::string& note : notes) {
    REQUIRE(note.find(path.string()) == 0);
    note.erase(0, path.string().size());
  }
  return notes;
}

std::string id_line(const std::string& prompt, const std::string& id) {
  return R"({"prompt": ")" + prompt + R"(", "answer": "a", "id": )" + id + "}";
}

}  // namespace

TEST_CASE("examples with an id of their own are not named", "[repeats]") {
  CHECK(notes_on({id_line("p", "1"), id_line("q", "2"), id_line("r", "\"1\""), id_line("s", "null"),
                  id_line("t", "null")})
            .empty());
  CHECK(notes_on({R"({"prompt": "p", "answer": "a"})", R"({"prompt": "q", "answer": "a"})"}).empty());
}

TEST_CASE("a second example with the same id is named, with both lines", "[repeats]") {
  CHECK(notes_on({id_line("p", "\"x\""), "", id_line("q", "\"y\""), id_line("r", "\"x\"")}) ==
        std::vector<std::string>{":4: id \"x\" stands a second time (first in line 1)"});
  CHECK(notes_on({id_line("p", "7"), id_line("q", "7"), id_line("r", "7")}) ==
        std::vector<std::string>{
            ":2: id 7 stands a second time (first in line 1); 2 lines repeat the id of an earlier one"});
}

TEST_CASE("equal lines are named", "[repeats]") {
  CHECK(notes_on({id_line("p", "7"), id_line("q", "8"), id_line("p", "7") + " \r"}) ==
        std::vector<std::string>{":3: the same line as line 1, and an example of its own"});
  CHECK(notes_on({id_line("p", "7"), id_line("p", "7"), id_line("p", "7"), id_line("q", "7")}) ==
        std::vector<std::string>{
            ":2: the same line as line 1, and an example of its own; 2 lines are the same as an earlier one",
            ":4: id 7 stands a second time (first in line 1)"});
}

TEST_CASE("equal choices of one example are named", "[repeats]") {
  const auto question = [](const std::string& prompt, const std::string& choices) {
    return R"({"context": ")" + prompt + R"(", "choices": )" + choices + R"(, "label": 0})";
  };
  CHECK(notes_on({question("p", R"(["a", "b"])"), question("q", R"(["a", "A", "a."])")}).empty());
  CHECK(notes_on({question("p", R"(["a", "b"])"), question("q", R"(["a", "b", "a"])")}) ==
        std::vector<std::string>{":2: two choices are equal"});
  CHECK(notes_on({question("p", R"(["a", "a"])"), question("q", R"(["a", "b", "a"])")}) ==
        std::vector<std::string>{":1: two choices are equal; 2 examples have equal choices"});
}

TEST_CASE("repetitions are looked for among the examples that are used", "[repeats]") {
  const std::vector<std::string> lines = {id_line("p", "7"), id_line("q", "8"), id_line("r", "8")};
  CHECK(notes_on(lines, {.limit = 2}).empty());
  CHECK(notes_on(lines, {.limit = 3}).size() == 1);
}

TEST_CASE("an id may be called index or qID", "[repeats]") {
  RepeatedLines repeated;
  repeated.add("a", Json{{"qID", "x\n"}, {"index", nullptr}}, 1);
  repeated.add("b", Json{{"qID", "x\n"}, {"index", nullptr}}, 2);
  CHECK(repeated.describe("f") ==
        std::vector<std::string>{R"(f:2: qID "x\n" stands a second time (first in line 1))"});
  repeated.add("c", Json{{"example_id", "x"}}, 3);  // the article of several questions
  repeated.add("d", Json{{"example_id", "x"}}, 4);
  CHECK(repeated.describe("f").size() == 1);
}
