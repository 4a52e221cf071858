#include "eval/metrics.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("a mean comes with the standard error sd(n-1) / sqrt(n)", "[metrics]") {
  const std::vector<double> values{1, 0, 0, 1, 1};
  const Measure mean = mean_of(values);
  CHECK(mean.value == Approx(0.6));
  CHECK(mean.standard_error.value() == Approx(std::sqrt(0.3) / std::sqrt(5.0)));
  CHECK_FALSE(mean_of(std::vector<double>{2}).standard_error.has_value());
}

TEST_CASE("the first index of the largest value", "[metrics]") {
  CHECK(argmax_of(std::vector<double>{-3, -1, -1}) == 1);
}

TEST_CASE("quantiles interpolate as numpy's do", "[metrics]") {
  const std::vector<double> sorted{1, 2, 3, 10};
  CHECK(quantile_of_sorted(sorted, 0.5) == Approx(2.5));
  CHECK(quantile_of_sorted(sorted, 0.9) == Approx(3 + 0.7 * 7));
  CHECK(quantile_of_sorted(sorted, 1) == 10);
  CHECK(quantile_of_sorted(std::vector<double>{4}, 0.3) == 4);
}
