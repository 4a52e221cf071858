#include "core/error.hpp"

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("a message says where, what, expected, found and next, and leaves out what is not known",
          "[error]") {
  CHECK(
      format_problem(
          {.where = "a.h5:/x", .what = "wrong shape", .expected = "[2]", .found = "[3]", .next = "fix it"}) ==
      "a.h5:/x: wrong shape\n  expected: [2]\n  found: [3]\n  next: fix it");
  CHECK(format_problem({.where = "a.h5", .what = "not HDF5"}) == "a.h5: not HDF5");
  CHECK(format_problem({.what = "odd"}) == "odd");
}

TEST_CASE("each kind of error ends in its exit status", "[error]") {
  CHECK(UsageError({.what = "x"}).status() == ExitStatus::usage);
  CHECK(InputError({.what = "x"}).status() == ExitStatus::bad_input);
  CHECK(UnfinishedError({.what = "x"}).status() == ExitStatus::unfinished);
  CHECK(static_cast<int>(ExitStatus::bad_input) == 3);
}
