#include "io/toml_reader.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;

namespace {

Problem toml_problem(const std::string& text) {
  try {
    parse_toml(text, "c.toml");
  } catch (const InputError& error) {
    return error.problem();
  }
  return {.what = "accepted"};
}

std::string repeated(std::size_t times, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i)
    all += text;
  return all;
}

}  // namespace

TEST_CASE("TOML is read as JSON that knows its lines", "[toml]") {
  const JsonValue root = parse_toml(
      "# a comment\nthreads = 2\n[run]\nprompt = \"a # 'b'\"\nlist = [1,\n 2.5, true]\n[[form]]\na.b = 'x'\n",
      "c.toml");
  CHECK(root.integer("threads", 0, 9) == 2);
  CHECK(root.object("run").text("prompt") == "a # 'b'");
  CHECK(root.object("run").elements("list")[1].number() == 2.5);
  CHECK(root.object("run").elements("list")[2].where() == "c.toml:line 6:run.list[2]");
  CHECK(root.at("threads").line() == 2);
  CHECK(root.elements("form")[0].at("a").at("b").where() == "c.toml:line 8:form[0].a.b");
  CHECK(parse_json("{}", "x").line() == 0);
}

TEST_CASE("what is no TOML is refused with its line", "[toml]") {
  CHECK(toml_problem("a = 1\nb 2\n").where.starts_with("c.toml:line 2, column "));
  CHECK(toml_problem("a = 1\nb = 2\na = 3\n").where.starts_with("c.toml:line 3, column "));
  CHECK(toml_problem("a = [1, 2\n").what == "not valid TOML");
  CHECK(toml_problem("\na = 12:30:00\n").where == "c.toml:line 2");
  for (const char* number : {"inf", "-nan", "1e999"})
    CHECK(toml_problem(std::string("a = ") + number).what != "accepted");
  CHECK(toml_problem("a = 99999999999999999999\n").what == "not valid TOML");
}

TEST_CASE("hostile TOML ends in an error, not in a crash", "[toml]") {
  constexpr std::size_t kMany = 300'000;
  CHECK(toml_problem("a = " + std::string(40'000, '1')).what == "not valid TOML");
  CHECK(toml_problem("a = 0." + std::string(40'000, '1')).what == "not valid TOML");
  CHECK(toml_problem("a = " + std::string(kMany, '[')).what == "not valid TOML");
  CHECK(toml_problem("a = " + repeated(kMany, "{a=")).what == "not valid TOML");
  CHECK(toml_problem("[" + repeated(kMany, "a.") + "a]").what == "tables and arrays are nested too deeply");
  CHECK(toml_problem(repeated(kMany, "\"a\" . ") + "a = 1").what ==
        "tables and arrays are nested too deeply");
  CHECK(toml_problem("x = 1\ny = {" + repeated(kMany, "'a'.") + "a = 1}").where == "c.toml:line 2");
  CHECK(toml_problem("a = " + std::string(60, '[') + std::string(60, ']')).what ==
        "tables and arrays are nested too deeply");
  // Dots that nest nothing.
  CHECK(toml_problem("a = \"" + std::string(kMany, '.') + "\" # " + std::string(kMany, '.')).what ==
        "accepted");
  CHECK(toml_problem("a = \"\"\"\n\\\"\"" + std::string(100, '.') + "\"\"\"\"\"\nb = ''").what == "accepted");
  CHECK(toml_problem("a = [" + repeated(1000, "0.5, ") + "]").what == "accepted");
}

TEST_CASE("TOML files are found, and are text", "[toml]") {
  const testing::TempDir dir;
  CHECK_THROWS_AS(read_toml_file(dir.path("none.toml")), InputError);
  CHECK_THROWS_AS(read_toml_file(dir.root()), InputError);
}
