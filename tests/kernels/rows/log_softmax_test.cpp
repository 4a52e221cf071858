#include "kernels/rows/log_softmax.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

namespace toptheta {
namespace {

std::vector<float> drawn_logits(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> logits(size);
  for (float& x : logits)
    x = static_cast<float>(60 * random.uniform() - 30);
  return logits;
}

double naive_log_sum(const std::vector<float>& logits) {
  double sum = 0;
  for (const float x : logits)
    sum += std::exp(static_cast<double>(x));
  return std::log(sum);
}

}  // namespace

TEST_CASE("log probabilities and KL divergence equal their definitions") {
  testing::at_every_instruction_set([] {
    for (const std::size_t size : {1, 2, 7, 8, 9, 15, 16, 17, 100, 1023}) {
      const std::vector<float> p = drawn_logits(size, size);
      const std::vector<float> q = drawn_logits(size, size + 5000);
      const LogSoftmax of_p = log_softmax(p);
      const LogSoftmax of_q = log_softmax(q);
      const double p_sum = naive_log_sum(p);
      const double q_sum = naive_log_sum(q);
      CHECK(of_p.log_sum == Approx(p_sum).epsilon(1e-14));
      CHECK(of_p.top == std::max_element(p.begin(), p.end()) - p.begin());
      double divergence = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const double log_p = static_cast<double>(p[i]) - p_sum;
        divergence += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - q_sum));
      }
      CHECK(kl_divergence(p, of_p, q, of_q) == Approx(divergence).epsilon(1e-13).margin(1e-14));
      CHECK(kl_divergence(p, of_p, p, of_p) == 0);
    }
  });
}

TEST_CASE("the largest logit is the first among equals, and large ones do not overflow") {
  testing::at_every_instruction_set([] {
    std::vector<float> logits(40, 1000.0F);
    CHECK(log_softmax(logits).top == 0);
    CHECK(log_softmax(logits).log_sum == Approx(1000 + std::log(40.0)));
    logits[0] = logits[1] = -3e38F;
    CHECK(log_softmax(logits).top == 2);
    CHECK(log_softmax(logits).log_sum == Approx(1000 + std::log(38.0)));
  });
}

TEST_CASE("KL divergence of two known distributions") {
  const std::vector<float> p{0, std::log(3.0F)};  // 1/4, 3/4
  const std::vector<float> q{0, 0};
  CHECK(kl_divergence(p, log_softmax(p), q, log_softmax(q)) ==
        Approx(0.25 * std::log(0.5) + 0.75 * std::log(1.5)).epsilon(1e-6));
}

}  // namespace toptheta
