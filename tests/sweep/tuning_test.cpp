#include "sweep/tuning.hpp"

#include <set>

#include "support/catch.hpp"

using namespace toptheta;

namespace {

// Loses 1 / k, give or take a half.
TunedPoint lossy(std::int64_t k) {
  const double loss = 1 / static_cast<double>(k);
  return {k, {loss, 0.5 * loss, 1.5 * loss}, 0.1, 0.2};
}

}  // namespace

TEST_CASE("the smallest k is found, with its interval, and none is measured twice", "[tune]") {
  std::multiset<std::int64_t> measured;
  const Tuning tuning = tune_k(1, 1000, 0.0101, [&](std::int64_t k) {
    measured.insert(k);
    return lossy(k);
  });
  CHECK(tuning.k == 100);  // 1 / 99 is above 0.0101
  CHECK(tuning.k_least == 50);
  CHECK(tuning.k_most == 149);
  CHECK(tuning.point_at(100)->loss.value == 0.01);
  CHECK(tuning.point_at(2000) == nullptr);
  CHECK(tuning.points.size() == measured.size());
  CHECK(measured.size() < 33);
  for (const std::int64_t k : measured)
    CHECK(measured.count(k) == 1);
}

TEST_CASE("where not even the largest k is within, none is; where the smallest is, it", "[tune]") {
  const Tuning none = tune_k(1, 50, 0.01, lossy);
  CHECK_FALSE(none.k);
  CHECK_FALSE(none.k_most);
  CHECK(none.k_least == 50);
  const Tuning first = tune_k(8, 64, 1, lossy);
  CHECK(first.k == 8);
  CHECK(first.k_most == 8);
  CHECK(tune_k(8, 8, 1, lossy).k == 8);
}

TEST_CASE("without intervals k has none", "[tune]") {
  const Tuning tuning = tune_k(1, 100, 0.1, [](std::int64_t k) {
    return TunedPoint{k, {1 / static_cast<double>(k), {}, {}}, 0, 0};
  });
  CHECK(tuning.k == 10);
  CHECK_FALSE(tuning.k_least);
  CHECK_FALSE(tuning.k_most);
}
