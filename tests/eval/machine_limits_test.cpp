#include "eval/machine_limits.hpp"

#include <cmath>
#include <cstdint>

#include "core/parallel.hpp"
#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("limits are measured for every number of threads, which stays as it was", "[kernels]") {
  set_thread_count(1);
  const MachineLimits limits = measure_machine_limits(2);
  CHECK(thread_count() == 1);
  set_thread_count(0);
  REQUIRE(limits.flops.size() == 2);
  REQUIRE(limits.read_bytes.size() == 2);
  CHECK(!limits.instruction_set.empty());
  for (std::size_t t = 0; t < 2; ++t) {
    CHECK((std::isfinite(limits.flops[t]) && limits.flops[t] > 0));
    CHECK((std::isfinite(limits.read_bytes[t]) && limits.read_bytes[t] > 0));
  }
}

TEST_CASE("of two measurements the larger counts, figure by figure", "[kernels]") {
  MachineLimits limits{"A", {1, 5}, {2, 6}};
  keep_larger(limits, {"A", {3, 4}, {1, 7}});
  CHECK(limits.flops == std::vector<double>{3, 5});
  CHECK(limits.read_bytes == std::vector<double>{2, 7});
}
