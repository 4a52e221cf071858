#include "core/fresh_array.hpp"

#include <cmath>
#include <cstdint>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("a fresh array is zero, aligned, and may be empty", "[core]") {
  CHECK(FreshArray<float>().data() == nullptr);
  CHECK(FreshArray<float>(0).size() == 0);
  for (const std::size_t size : {1U, 1000U, 3U << 20U}) {
    FreshArray<float> array(size);
    CHECK(reinterpret_cast<std::uintptr_t>(array.data()) % 64 == 0);
    float sum = 0;
    for (std::size_t i = 0; i < size; ++i)
      sum += std::abs(array.data()[i]);
    CHECK(sum == 0);
    array.data()[size - 1] = 1;
    CHECK(array.data()[size - 1] == 1);
  }
}
