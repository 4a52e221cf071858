#include "calibration/row_threshold.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/random.hpp"
#include "kernels/rows/row_mass.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_row(Random& random, std::size_t size, bool ties) {
  std::vector<float> row(size);
  for (float& value : row)
    value = ties ? static_cast<float>(random.below(5)) - 2 : static_cast<float>(10 * random.uniform() - 5);
  return row;
}

std::vector<float> sorted_down(std::vector<float> row) {
  std::sort(row.begin(), row.end(), std::greater<>());
  return row;
}

}  // namespace

TEST_CASE("thresholds are those of a full sort, for k in any order") {
  Random random(3);
  SelectionScratch scratch;
  const std::vector<std::int64_t> k = {16, 1, 64, 7, 16, std::numeric_limits<std::int64_t>::max()};
  for (std::size_t size = 1; size < 150; ++size) {
    const std::vector<float> row = random_row(random, size, size % 2 == 0);
    const std::vector<float> sorted = sorted_down(row);
    std::vector<float> thresholds(k.size());
    row_thresholds(row, row_range(row), k, scratch, thresholds);
    for (std::size_t i = 0; i < k.size(); ++i) {
      const bool dense = k[i] >= static_cast<std::int64_t>(size);
      CHECK(thresholds[i] == (dense ? -kInfinity : sorted[static_cast<std::size_t>(k[i])]));
      const auto kept = std::count_if(row.begin(), row.end(), [&](float x) { return x > thresholds[i]; });
      CHECK(kept <= k[i]);
      if (size % 2 == 1 && !dense) CHECK(kept == k[i]);
    }
  }
}

TEST_CASE("kept mass is that of the k largest, with ties, of scores and of weights") {
  Random random(4);
  SelectionScratch scratch;
  for (const bool ties : {false, true}) {
    const std::vector<float> row = random_row(random, 90, ties);
    const std::vector<float> sorted = sorted_down(row);
    const RowRange range = row_range(row);
    std::vector<float> weights(row.size());
    softmax(row, range.largest, weights);
    double total = 0;
    for (const float x : row)
      total += std::exp(static_cast<double>(x) - sorted[0]);
    CHECK(exp_sum(row, range) == Approx(total).epsilon(1e-6));
    for (const std::int64_t k : {1, 5, 20, 89}) {
      double naive = 0;
      for (std::int64_t j = 0; j < k; ++j)
        naive += std::exp(static_cast<double>(sorted[static_cast<std::size_t>(j)]) - sorted[0]) / total;
      float threshold = 0;
      const std::span one(&k, 1);
      std::span<const float> candidates = row_thresholds(row, range, one, scratch, std::span(&threshold, 1));
      CHECK(kept_mass_of_scores(candidates, threshold, k, range.largest, total) ==
            Approx(naive).epsilon(1e-6));
      double dropped = 0;
      for (const float x : row)
        if (x <= threshold) dropped += std::exp(static_cast<double>(x) - sorted[0]);
      CHECK(dropped_exponentials(row, range.largest, threshold) == Approx(dropped).epsilon(1e-6));
      candidates = row_thresholds(weights, row_range(weights), one, scratch, std::span(&threshold, 1));
      CHECK(kept_mass_of_weights(candidates, threshold, k) == Approx(naive).epsilon(1e-5));
    }
  }
}

TEST_CASE("softmax, also of large scores") {
  const std::vector<float> scores = {1000, 1001, 998, -1000};
  std::vector<float> weights(4);
  softmax(scores, 1001, weights);
  const double sum = std::exp(-1.0) + 1 + std::exp(-3.0);
  CHECK(weights[0] == Approx(std::exp(-1.0) / sum).epsilon(1e-6));
  CHECK(weights[1] == Approx(1 / sum).epsilon(1e-6));
  CHECK(weights[3] == 0.0F);
  std::vector<float> single(1);
  softmax(std::vector<float>{-7}, -7, single);
  CHECK(single[0] == 1.0F);
}

TEST_CASE("dropped exponentials compare with theta in double") {
  const std::vector<float> scores = {0, 1, 2};
  CHECK(dropped_exponentials(scores, 2, 1.0) == Approx(std::exp(-2.0) + std::exp(-1.0)).epsilon(1e-6));
  CHECK(dropped_exponentials(scores, 2, std::nextafter(1.0, 0.0)) == Approx(std::exp(-2.0)).epsilon(1e-6));
  CHECK(dropped_exponentials(scores, 2, -1.0) == 0);
  CHECK(dropped_exponentials(scores, 2, 2.0) == Approx(1 + std::exp(-2.0) + std::exp(-1.0)).epsilon(1e-6));
}
