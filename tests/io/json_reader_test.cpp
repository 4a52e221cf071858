#include "io/json_reader.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

JsonValue json_of(const std::string& text) {
  return parse_json(text, "f.json");
}

template <class Action>
Problem json_problem(const Action& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError");
  return {};
}

Problem unparsed(const std::string& text) {
  return json_problem([&] { json_of(text); });
}

constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();

}  // namespace

TEST_CASE("typed members are taken, absent and null ones count alike") {
  const JsonValue root =
      json_of(R"({"n": 3, "x": 2.5, "t": "abc", "f": true, "l": ["a", "b"], "o": {}, "z": null,
                                     "big": 18446744073709551615, "low": -9223372036854775808})");
  CHECK(root.integer("n", 0, 3) == 3);
  CHECK(root.integer("low", kLow, kHigh) == kLow);
  CHECK(root.at("big").unsigned_integer() == std::numeric_limits<std::uint64_t>::max());
  CHECK(root.number("x") == 2.5);
  CHECK(root.positive("n") == 3);
  CHECK(root.text("t") == "abc");
  CHECK(root.flag("f"));
  CHECK(root.at("l").texts() == std::vector<std::string>{"a", "b"});
  CHECK(root.object("o").size() == 0);
  CHECK_FALSE(root.has("z"));
  CHECK_FALSE(root.find("z").has_value());
  CHECK(root.integer_or("z", 0, 9, 7) == 7);
  CHECK(root.text_or("none", "absent") == "absent");
  CHECK(root.flag_or("none", true));
  CHECK(root.positive_or("x", 1) == 2.5);
  CHECK(root.number_or("none", -1) == -1);
}

TEST_CASE("complaints say where, what was expected and what stands there") {
  const JsonValue root =
      json_of(R"({"a": {"b": [1, {"c d": "x"}]}, "n": 1e3, "neg": -1, "big": 18446744073709551615})");
  const Problem deep = json_problem([&] { (void)root.at("a").elements("b")[1].at("c d").flag(); });
  CHECK(deep.where == "f.json:a.b[1][\"c d\"]");
  CHECK(deep.what == "wrong type");
  CHECK(deep.expected == "true or false");
  CHECK(deep.found == "\"x\"");
  CHECK(json_problem([&] { (void)root.at("missing"); }).where == "f.json:missing");
  CHECK(json_problem([&] { (void)root.object("a").text("q"); }).where == "f.json:a.q");
  CHECK(json_problem([&] { (void)root.text("a"); }).found == "an object of 1");
  CHECK(json_problem([&] { (void)root.integer("n", 0, 9999); }).found == "1000.0");
  CHECK(json_problem([&] { (void)root.integer("neg", 0, 9); }).expected == "a whole number from 0 to 9");
  CHECK(json_problem([&] { (void)root.integer("big", kLow, kHigh); }).where == "f.json:big");
  CHECK(json_problem([&] { (void)root.positive("neg"); }).what == "impossible value");
  CHECK(json_problem([&] { (void)json_of("[1]").at("x"); }).where == "f.json");
  const JsonValue line = parse_json(R"({"choices": ["a", 3]})", "t.jsonl:line 3");
  CHECK(json_problem([&] { (void)line.at("choices").texts(); }).where == "t.jsonl:line 3:choices[1]");
}

TEST_CASE("a value of what was read whole is found, too") {
  const JsonValue root = json_of(R"({"words": {"a": [0], "b": [1]}, "z": {"y": 1}})");
  CHECK(root.at("words").raw().size() == 2);
  CHECK(root.at("z").at("y").where() == "f.json:z.y");
  CHECK(root.at("words").at("b").elements()[0].where() == "f.json:words.b[0]");
  CHECK(root.raw().size() == 2);
  CHECK(root.at("z").where("x") == "f.json:z.x");
}

TEST_CASE("a document may be made rather than parsed") {
  const JsonValue line = json_value({{"choices", {"a", 3}}}, "t.jsonl:3");
  CHECK(line.where() == "t.jsonl:3");
  CHECK(line.elements("choices")[1].where() == "t.jsonl:3:choices[1]");
  CHECK(line.elements("choices")[0].text() == "a");
}

TEST_CASE("found values are short and cannot steer the terminal") {
  const JsonValue root = json_of("{\"a\\u001b]0;x\": [\"\\u001b[2J" + std::string(500, 'y') + "\"]}");
  const Problem problem = json_problem([&] { root.at("a\x1B]0;x").elements()[0].fail("bad"); });
  CHECK(problem.found.size() < 90);
  CHECK(problem.found.starts_with("\"\\x1B[2Jyy"));
  CHECK(problem.where == "f.json:[\"a\\x1B]0;x\"][0]");
}

TEST_CASE("what nobody asked for is listed") {
  const JsonValue root = json_of(R"({"read": 1, "unread": {"x": 1}, "part": {"a": 1, "b": 2, "n": null},
                                     "list": [{"u": 1}, 2], "walked": {"k": {"z": 1}}, "raw": {"deep": [{}]},
                                     "known": 5, "asked": null})");
  (void)root.integer("read", 0, 9);
  (void)root.object("part").integer("a", 0, 9);
  (void)root.elements("list");
  for (const auto& [key, value] : root.at("walked").members())
    CHECK(key == "k");
  (void)root.at("raw").raw();
  root.ignore("known");
  root.ignore("not there");
  CHECK_FALSE(root.find("asked").has_value());
  CHECK(root.unread_keys() ==
        std::vector<std::string>{"list[0].u", "part.b", "part.n", "unread", "walked.k.z"});
  CHECK(root.object("part").unread_keys() == std::vector<std::string>{"b", "n"});
  CHECK(root.object("part").unread_notes() == std::vector<std::string>{"f.json:part.b: not used (2)"});
  CHECK(root.unread_notes().front() == "f.json:list[0].u: not used (1)");
  CHECK(root.unread_places() ==
        std::vector<std::string>{"f.json:list[0].u", "f.json:part.b", "f.json:unread", "f.json:walked.k.z"});
  CHECK(root.object("part").unread_places() == std::vector<std::string>{"f.json:part.b"});
  CHECK((root.is_null("asked") && !root.is_null("read") && !root.is_null("not there")));
  root.ignore({"unread", "list", "not there"});
  CHECK(root.unread_keys() == std::vector<std::string>{"part.b", "part.n", "walked.k.z"});
}

TEST_CASE("what is no JSON is refused with line and column") {
  CHECK(unparsed("").found == "nothing");
  const Problem cut = unparsed("{\"a\":\n [1, 2");
  CHECK(cut.where == "f.json:line 2, column 7");
  CHECK(cut.next == "check that the file is complete");
  CHECK(unparsed("{\"\xC3\xA9\": nul}").where == "f.json:line 1, column 10");
  CHECK(unparsed("{} {}").what == "not valid JSON");
  CHECK(unparsed("NaN").what == "not valid JSON");
  CHECK(unparsed("\"\\ud800\"").what == "not valid JSON");
  CHECK(unparsed("\"\x01\"").what == "not valid JSON");
  CHECK(unparsed("[\n\"\xFF\"]").where == "f.json:line 2, column 2");
  CHECK(unparsed("[\n\"\xFF\"]").what == "not UTF-8");
  CHECK(json_problem([] { parse_json("[1,", "x.jsonl:line 7"); }).where == "x.jsonl:line 7, column 4");
}

TEST_CASE("a byte of zero does not end the text: what stands behind it would be left unread") {
  using namespace std::string_literals;
  for (const std::string& text : {"{}\0"s, "{\"a\": 1}\0{\"a\": 2}"s, "\0"s, "[1,\n 2]\0\0x"s}) {
    const Problem problem = unparsed(text);
    CHECK(problem.what == "not valid JSON");
    CHECK(problem.found == "a byte of zero");
  }
  CHECK(unparsed("[1,\n 2]\0"s).where == "f.json:line 2, column 4");
  CHECK(json_of("[\"\\u0000\"]").elements().front().text() == "\0"s);
}

TEST_CASE("numbers beyond double, keys that appear twice and deep nesting are refused with a place") {
  const Problem number = unparsed("{\"a\": 1e999}");
  CHECK(number.where.starts_with("f.json:line 1, column "));
  CHECK(number.found == "number overflow parsing '1e999'");
  CHECK(unparsed("[" + std::string(400, '9') + "]").what == "not valid JSON");
  CHECK(json_of("[1e-999]").elements()[0].number() == 0);
  const Problem twice = unparsed(R"({"a": [{"b": 1, "c": 2, "b": 3}]})");
  CHECK(twice.where == "f.json:a[0].b");
  CHECK(twice.what == "the key appears twice in its object");

  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(json_of(nested(100)).is_list());
  CHECK(unparsed(nested(101)).what.find("nested too deeply") != std::string::npos);
  CHECK(unparsed(std::string(300'000, '[')).what.find("nested too deeply") != std::string::npos);
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += "{\"a\":";
  const Problem deep = unparsed(objects);
  CHECK(deep.where.starts_with("f.json:a.a.a"));
  CHECK(deep.where.size() < 120);
}

TEST_CASE("files are read with their limits; what is no regular file is refused at once") {
  const testing::TempDir dir;
  write_file_atomically(dir.path("a.json"), "\xEF\xBB\xBF{\"a\": [1, 2]}");
  const JsonValue root = read_json_file(dir.path("a.json"));
  CHECK(root.elements("a").size() == 2);
  CHECK(root.where("b") == dir.path("a.json").string() + ":b");
  CHECK(
      json_problem([&] { read_json_file(dir.path("a.json"), {.bytes = 4}); }).what.starts_with("too large"));
  CHECK_THROWS_AS(read_json_file(dir.path("none.json")), InputError);
  CHECK_THROWS_AS(read_json_file(dir.root()), InputError);
  CHECK_THROWS_AS(read_json_file("/dev/zero"), InputError);
}

}  // namespace toptheta
