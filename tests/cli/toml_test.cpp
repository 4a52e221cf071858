#include "common/toml.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace toptheta;
using namespace toptheta::app;

namespace {

UsageError error_of(const std::string& text) {
  try {
    parse_toml(text, "c.toml");
  } catch (const UsageError& error) {
    return error;
  }
  FAIL("no error for: " << text);
  throw std::logic_error("unreachable");
}

}  // namespace

TEST_CASE("sections, scalars, arrays and comments") {
  const auto entries = parse_toml(
      "# a comment\n"
      "threads = 2 # two\n"
      "\n"
      "[run]\n"
      "prompt = \"a, b # c = 'd' \\\"e\\\"\"\n"
      "path = 'C:\\x'\r\n"
      "attention = [ \"dense\",\n  \"theta:sdc=exact,vmc\", # last\n]\n"
      "scale = -1.5e-3\n"
      "vmc = true",
      "c.toml");
  REQUIRE(entries.size() == 6);
  CHECK(entries[0].section.empty());
  CHECK(entries[0].key == "threads");
  CHECK(entries[0].values == std::vector<std::string>{"2"});
  CHECK(entries[0].line == 2);
  CHECK(entries[1].section == "run");
  CHECK(entries[1].values == std::vector<std::string>{"a, b # c = 'd' \"e\""});
  CHECK(entries[2].values == std::vector<std::string>{"C:\\x"});
  CHECK(entries[3].array);
  CHECK(entries[3].values == std::vector<std::string>{"dense", "theta:sdc=exact,vmc"});
  CHECK(entries[4].values == std::vector<std::string>{"-1.5e-3"});
  CHECK(entries[5].values == std::vector<std::string>{"true"});
}

TEST_CASE("errors name the file and the line") {
  CHECK(error_of("a = 1\nb 2\n").problem().where == "c.toml:2");
  CHECK(error_of("a = word\n").problem().what == "not a value");
  CHECK(error_of("a = \"open\n").problem().what == "a string without its closing quote");
  CHECK(error_of("a = [1, 2\n").problem().what == "an array without its closing ']'");
  CHECK(error_of("a = [1 2]\n").problem().what == "not an array");
  CHECK(error_of("a = 1 2\n").problem().what == "more text than one value on the line");
  CHECK(error_of("a = \"\\q\"\n").problem().what == "an unknown escape in a string");
  CHECK(error_of("[run\na = 1\n").problem().what == "not a section");
  CHECK(error_of("a = 1\nb = 2\na = 3\n").problem().what == "'a' stands twice, first on line 1");
  CHECK(error_of("= 1\n").problem().where == "c.toml:1");
  CHECK(error_of("a =").problem().what == "not a value");
}

TEST_CASE("an empty file has no entries, a missing one is an error") {
  CHECK(parse_toml("", "c.toml").empty());
  CHECK(parse_toml("\n# nothing\n", "c.toml").empty());
  testing::TempDir dir;
  CHECK_THROWS_AS(read_toml(dir.path("none.toml")), UsageError);
  CHECK_THROWS_AS(read_toml(dir.root()), UsageError);
}

TEST_CASE("values are written as they are read") {
  for (const std::string text : {"64", "0:512,1:512", "true", "a \"quoted\" \\ text\n\tand more", "", "#"}) {
    const auto entries = parse_toml("key = " + toml_value(text), "c.toml");
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].values == std::vector<std::string>{text});
  }
  CHECK(toml_value("64") == "64");
  CHECK(toml_value("0.1") == "0.1");
  CHECK(toml_value("16,32") == "\"16,32\"");
}
