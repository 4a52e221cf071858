#include "common/suggestion.hpp"

#include "support/catch.hpp"

using toptheta::app::nearest_name;

TEST_CASE("a mistyped name is known again") {
  const std::vector<std::string> names = {"fit", "merge", "dump", "show", "retarget", "convert"};
  CHECK(nearest_name("fot", names) == "fit");
  CHECK(nearest_name("ift", names) == "fit");
  CHECK(nearest_name("megre", names) == "merge");
  CHECK(nearest_name("retargt", names) == "retarget");
  CHECK(nearest_name("converts", names) == "convert");
}

TEST_CASE("what resembles nothing suggests nothing") {
  CHECK(nearest_name("evaluate", {"fit", "merge"}).empty());
  CHECK(nearest_name("", {"fit"}).empty());
  CHECK(nearest_name(std::string(1000, 'a'), {"fit"}).empty());
  CHECK(nearest_name("fit", {}).empty());
}
