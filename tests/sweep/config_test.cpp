#include "sweep/config.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "sweep/cell_name.hpp"

using namespace toptheta;

TEST_CASE("settings of a sweep come in the order of the file, and lists cross", "[sweep]") {
  const auto settings = parse_sweep_config(
      "[sweep]\ntask = ['b.txt', 'a.jsonl']\nk = [16, 32, 64]\nvmc = true\nsdc-scale = 1.5\n", "s.toml");
  REQUIRE(settings.size() == 4);
  CHECK(settings[0].key == "task");
  CHECK(settings[1].values == std::vector<std::string>{"16", "32", "64"});
  CHECK(settings[1].where == "s.toml:3");
  CHECK(settings[2].values == std::vector<std::string>{"true"});
  CHECK(settings[3].values == std::vector<std::string>{"1.5"});
  const auto all = cross(settings);
  REQUIRE(all.size() == 6);
  CHECK(all[1] == std::vector<std::size_t>{0, 1, 0, 0});
  CHECK(all[3] == std::vector<std::size_t>{1, 0, 0, 0});
}

TEST_CASE("what is no table of settings is refused with its line", "[sweep]") {
  for (const char* text : {"", "k = 3\n", "[sweep]\n", "[sweep]\nk = []\n", "[sweep]\nk = [[1]]\n",
                           "[sweep]\nk = 1\nk = 2\n", "[sweep]\nday = 2020-01-01\n", "[sweep]\n[other]\n"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_sweep_config(text, "s.toml"), UsageError);
  }
}

TEST_CASE("names of cells are safe, and distinct whatever the case of letters", "[sweep]") {
  CHECK(safe_name("a/b <c>:\n*d") == "a_b-_c___xd");
  CHECK(safe_name("..") == "_..");
  std::vector<std::string> names = {"x", "X", "y"};
  make_distinct(names, {"1", "2", "3"});
  CHECK(names[2] == "y");
  CHECK(names[0].size() == 11);
  CHECK(names[0].substr(1) != names[1].substr(1));
}
