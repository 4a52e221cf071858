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

TEST_CASE("log probabilities survive large logits", "[metrics]") {
  const std::vector<float> logits{1000, 1000, 0};
  CHECK(log_sum_exp(logits) == Approx(1000 + std::log(2.0)));
  CHECK(argmax(logits) == 0);
  CHECK(argmax_of(std::vector<double>{-3, -1, -1}) == 1);
}

TEST_CASE("KL divergence is zero to itself and matches the definition", "[metrics]") {
  const std::vector<float> p{0, std::log(3.0F)};  // 1/4, 3/4
  const std::vector<float> q{0, 0};
  CHECK(kl_divergence(p, p) == 0);
  CHECK(kl_divergence(p, q) == Approx(0.25 * std::log(0.5) + 0.75 * std::log(1.5)).epsilon(1e-6));
}

TEST_CASE("quantiles interpolate as numpy's do", "[metrics]") {
  const std::vector<double> sorted{1, 2, 3, 10};
  CHECK(quantile_of_sorted(sorted, 0.5) == Approx(2.5));
  CHECK(quantile_of_sorted(sorted, 0.9) == Approx(3 + 0.7 * 7));
  CHECK(quantile_of_sorted(sorted, 1) == 10);
  CHECK(quantile_of_sorted(std::vector<double>{4}, 0.3) == 4);
}
