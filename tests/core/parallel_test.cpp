#include "core/parallel.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("every index runs exactly once, nested loops included", "[parallel]") {
  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    CHECK(thread_count() == threads);
    std::vector<std::atomic<int>> seen(100);
    parallel_for(10, [&](std::int64_t i) {
      parallel_for(10, [&](std::int64_t j) { ++seen[static_cast<std::size_t>(10 * i + j)]; });
    });
    for (const auto& count : seen)
      REQUIRE(count == 1);
  }
  set_thread_count(0);
  parallel_for(0, [](std::int64_t) { FAIL("an empty loop ran"); });
}

TEST_CASE("the error of the lowest index arrives, at any number of threads", "[parallel]") {
  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      try {
        parallel_for(50, [](std::int64_t i) {
          if (i >= 7) throw std::runtime_error(std::to_string(i));
        });
        FAIL("nothing was thrown");
      } catch (const std::runtime_error& error) {
        REQUIRE(std::string(error.what()) == "7");
      }
    }
  }
  set_thread_count(0);
}
