#include "eval/machine_limits.hpp"

#include <cmath>
#include <cstdint>

#include "core/large_array.hpp"
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

TEST_CASE("a large array is zero, aligned, and may be empty", "[kernels]") {
  CHECK(LargeArray<float>().data() == nullptr);
  CHECK(LargeArray<float>(0).size() == 0);
  for (const std::size_t size : {1U, 1000U, 3U << 20U}) {
    LargeArray<float> array(size);
    CHECK(reinterpret_cast<std::uintptr_t>(array.data()) % 64 == 0);
    float sum = 0;
    for (std::size_t i = 0; i < size; ++i)
      sum += std::abs(array.data()[i]);
    CHECK(sum == 0);
    array.data()[size - 1] = 1;
    CHECK(array.data()[size - 1] == 1);
  }
}
