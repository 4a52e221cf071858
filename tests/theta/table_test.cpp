#include "theta/table.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("a target is found by its k") {
  ThresholdTable table = sample_table();
  CHECK(table.target(16).k == 16);
  CHECK(table.target(4).k == 4);
  const Problem unknown = problem_of<UsageError>([&] { (void)table.target(5); });
  CHECK(unknown.what == "holds no thresholds for k = 5");
  CHECK(unknown.expected == "one of k = 16, 4");
  const Problem open = problem_of<UsageError>([&] { (void)table.target(0); });
  CHECK(open.expected == "one of k = 16, 4");
  table.targets.pop_back();
  CHECK(table.target(0).k == 16);
}

TEST_CASE("a table fits models of its shape only") {
  const ThresholdTable table = sample_table();
  CHECK_NOTHROW(require_shape(table, {3, 2, 1, 64}, "t.h5"));
  CHECK_NOTHROW(require_shape(table, {3, 2, 0, 0}, "t.h5"));
  for (const ModelShape& other : {ModelShape{2, 2, 1, 64}, {3, 4, 1, 64}, {3, 2, 2, 64}, {3, 2, 1, 128}}) {
    const Problem problem = problem_of<InputError>([&] { require_shape(table, other, "t.h5"); });
    CHECK(problem.where == "t.h5");
    CHECK(problem.found.find("3 layers, 2 query heads, 1 KV heads, head size 64") == 0);
  }
  ThresholdTable unknown = table;
  unknown.meta.shape = {3, 2, 0, 0};
  CHECK_NOTHROW(require_shape(unknown, {3, 2, 2, 128}, "t.h5"));
}
