#include "calibrate/effective_k.hpp"

#include <algorithm>
#include <cmath>

#include "core/parallel.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

using Documents = std::vector<DocumentCount>;

// Heads whose documents keep about `ratio` times what was asked, each document off by its own factor.
std::vector<Documents> heads_of(std::size_t documents, double spread, std::uint64_t seed) {
  std::vector<Documents> heads;
  Random random(seed);
  std::vector<double> factors;
  for (std::size_t d = 0; d < documents; ++d)
    factors.push_back(1 + spread * (2 * random.uniform() - 1));
  for (const double ratio : {0.9, 1.0, 1.3}) {
    Documents& head = heads.emplace_back();
    for (std::size_t d = 0; d < documents; ++d)
      head.push_back({std::llround(ratio * factors[d] * 10000), 10000});
  }
  return heads;
}

std::vector<const Documents*> pointers(const std::vector<Documents>& heads) {
  std::vector<const Documents*> result;
  for (const Documents& head : heads)
    result.push_back(&head);
  return result;
}

}  // namespace

TEST_CASE("ratios of sums per head, their geometric mean over heads") {
  const std::vector<Documents> heads = {{{10, 10}, {30, 10}}, {{5, 10}, {5, 10}}, {{0, 0}, {0, 0}}};
  const EffectiveK found = effective_k(pointers(heads), 0);
  CHECK(found.heads[0].value == 2.0);
  CHECK(found.heads[1].value == 0.5);
  CHECK(found.heads[2].value == 1.0);  // has no rows
  CHECK_FALSE(found.heads[2].interval);
  CHECK(found.mean.value == Approx(1.0));
}

TEST_CASE("one document has no interval, alike documents an empty one") {
  const std::vector<Documents> one = {{{10, 10}}};
  CHECK_FALSE(effective_k(pointers(one), 0).mean.interval);
  CHECK_FALSE(effective_k(pointers(one), 0).heads[0].interval);
  CHECK_FALSE(effective_k(pointers(one), 0).deviation);
  const std::vector<Documents> alike = {{{12, 10}, {12, 10}, {12, 10}}};
  const EffectiveK found = effective_k(pointers(alike), 0);
  CHECK(found.mean.interval->low == Approx(1.2));
  CHECK(found.mean.interval->high == Approx(1.2));
  CHECK(*found.deviation == Approx(0).margin(1e-12));
  CHECK(documents_needed(*found.deviation, 0.03) == 2);
}

TEST_CASE("the interval is that of the normal approximation, from its seed at any number of threads") {
  const std::vector<Documents> heads = heads_of(40, 0.3, 5);
  set_thread_count(1);
  const EffectiveK first = effective_k(pointers(heads), 7);
  set_thread_count(2);
  const EffectiveK again = effective_k(pointers(heads), 7);
  const EffectiveK other = effective_k(pointers(heads), 8);
  set_thread_count(0);
  CHECK(first.mean.interval->low == again.mean.interval->low);
  CHECK(first.heads[1].interval->high == again.heads[1].interval->high);
  CHECK(first.mean.interval->low != other.mean.interval->low);
  // All heads share the documents' factors: the deviation is the factors' own.
  const double half = 1.96 * *first.deviation / std::sqrt(40.0) * first.mean.value;
  CHECK(first.mean.interval->high - first.mean.interval->low == Approx(2 * half).epsilon(0.1));
  double mean = 0;
  for (const DocumentCount& document : heads[1])
    mean += static_cast<double>(document.kept) / 40;
  double squares = 0;
  for (const DocumentCount& document : heads[1])
    squares += std::pow(static_cast<double>(document.kept) / mean - 1, 2);
  CHECK(*first.deviation == Approx(std::sqrt(squares / 39)).epsilon(1e-3));
}

TEST_CASE("intervals hold the truth about as often as they say") {
  int held = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::vector<Documents> heads = heads_of(30, 0.4, 100 + static_cast<std::uint64_t>(trial));
    const EffectiveK found = effective_k(pointers(heads), 1, 200);
    const double truth = std::cbrt(0.9 * 1.3);
    held += found.mean.interval->low <= truth && truth <= found.mean.interval->high ? 1 : 0;
  }
  CHECK(held > kTrials * 0.88);
  CHECK(held < kTrials);
}

TEST_CASE("documents for a precision") {
  CHECK(documents_needed(0.1, 0.03) == 43);  // (1.96 * 0.1 / 0.03)^2 = 42.7
  CHECK(documents_needed(0.1, 0.015) == 171);
}
