#include "calibration/kept_histogram.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

TEST_CASE("quantiles are those of the sorted values, exact while small") {
  Random random(1);
  for (const std::uint64_t bound : {5, 256, 3000, 2000000}) {
    KeptHistogram histogram;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 777; ++i) {
      values.push_back(static_cast<std::int64_t>(random.below(bound)));
      histogram.add(values.back());
    }
    std::sort(values.begin(), values.end());
    CHECK(histogram.count() == 777);
    for (const double fraction : {0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(fraction * 777))) - 1;
      const std::int64_t exact = values[rank];
      const std::int64_t found = histogram.quantile(fraction);
      INFO(bound << " " << fraction);
      if (exact < 256) CHECK(found == exact);
      CHECK(found <= exact);
      CHECK(static_cast<double>(found) >= static_cast<double>(exact) * (1 - 1.0 / 128));
    }
  }
}

TEST_CASE("histograms add up") {
  KeptHistogram whole;
  KeptHistogram low;
  KeptHistogram high;
  for (std::int64_t i = 0; i < 1000; ++i) {
    whole.add(i);
    (i < 300 ? low : high).add(i);
  }
  low.merge(high);
  CHECK(low.count() == 1000);
  for (const double fraction : {0.1, 0.3, 0.5, 0.9})
    CHECK(low.quantile(fraction) == whole.quantile(fraction));
}

TEST_CASE("a fraction of a count that is a whole number does not slip to the next value") {
  KeptHistogram histogram;
  for (std::int64_t i = 1; i <= 100; ++i)
    histogram.add(i);
  for (int percent = 1; percent <= 100; ++percent)
    CHECK(histogram.quantile(percent / 100.0) == percent);
}
