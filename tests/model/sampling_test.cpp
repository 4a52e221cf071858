#include "model/sampling.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "support/catch.hpp"

using namespace toptheta;

namespace {

using Logits = std::vector<float>;

std::map<std::int32_t, int> draws(const SamplingOptions& options, const Logits& logits, int count) {
  Sampler sampler(options);
  std::map<std::int32_t, int> seen;
  for (int i = 0; i < count; ++i)
    ++seen[sampler.draw(logits)];
  return seen;
}

}  // namespace

TEST_CASE("the greedy token is a number's", "[sampling]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(greedy_token(Logits{nan, 1, 2}) == 2);
  CHECK(greedy_token(Logits{3, nan, 2}) == 0);
  CHECK(greedy_token(Logits{nan, nan}) == 0);
}

TEST_CASE("tokens are drawn as often as they are likely", "[sampling]") {
  const Logits logits = {std::log(0.5F), std::log(0.25F), std::log(0.25F)};
  constexpr int kDraws = 20'000;
  auto seen = draws({.seed = 1}, logits, kDraws);
  CHECK(seen[0] / double{kDraws} == Approx(0.5).margin(0.02));
  CHECK(seen[1] / double{kDraws} == Approx(0.25).margin(0.02));
  // At half the temperature probabilities are squared: 1/4, 1/16, 1/16 of 3/8.
  seen = draws({.temperature = 0.5, .seed = 1}, logits, kDraws);
  CHECK(seen[0] / double{kDraws} == Approx(2. / 3).margin(0.02));
}

TEST_CASE("top-k and top-p leave the likeliest", "[sampling]") {
  const Logits logits = {0, 3, 1, 2, 2};
  CHECK(draws({.top_k = 1, .seed = 2}, logits, 200).size() == 1);
  CHECK(draws({.top_k = 2, .seed = 2}, logits, 500).size() == 3);  // the two that are equally likely stay
  CHECK(draws({.top_p = 1e-6, .seed = 2}, logits, 200) == std::map<std::int32_t, int>{{1, 200}});
  // Shares 0.52, 0.19, 0.19, ...: two of them reach 0.6, and the smaller index goes first.
  const auto seen = draws({.top_p = 0.6, .seed = 2}, logits, 2000);
  CHECK(seen.size() == 2);
  CHECK(seen.contains(3));
  Logits many(5000);
  for (std::size_t i = 0; i < many.size(); ++i)
    many[i] = -static_cast<float>(i % 977) / 100;
  Sampler sampler({.top_p = 0.9, .seed = 3});
  for (int i = 0; i < 200; ++i)
    CHECK(sampler.draw(many) % 977 < 400);
}

TEST_CASE("a seed gives the same tokens again", "[sampling]") {
  const Logits logits(100, 0.F);
  Sampler a({.seed = 5});
  Sampler b({.seed = 5});
  Sampler c({.seed = 6});
  int different = 0;
  for (int i = 0; i < 100; ++i) {
    const std::int32_t token = a.draw(logits);
    CHECK(b.draw(logits) == token);
    different += c.draw(logits) != token ? 1 : 0;
  }
  CHECK(different > 50);
}

TEST_CASE("logits that are no numbers are never drawn", "[sampling]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(draws({.seed = 1}, {nan, 0, -inf}, 100) == std::map<std::int32_t, int>{{1, 100}});
  CHECK(draws({.seed = 1}, {nan, nan}, 10) == std::map<std::int32_t, int>{{0, 10}});
  CHECK(draws({.seed = 1}, {0, inf, inf}, 10) == std::map<std::int32_t, int>{{1, 10}});
}
