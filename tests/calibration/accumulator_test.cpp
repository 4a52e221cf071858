#include "calibration/accumulator.hpp"

#include <cmath>

#include "core/random.hpp"
#include "support/catch.hpp"

using namespace toptheta;

namespace {

ThresholdEntry entry_of(const std::vector<float>& values, double add_sigma) {
  ThresholdStatistics statistics;
  for (const float value : values)
    statistics.add(value, 0.5, 7);
  return statistics.finish(add_sigma);
}

}  // namespace

TEST_CASE("mean, population deviation and the threshold above the mean") {
  const ThresholdEntry entry = entry_of({1, 2, 3, 6}, 0.5);
  CHECK(entry.length == 7);
  CHECK(entry.count == 4);
  CHECK(entry.std == Approx(std::sqrt(3.5)));
  CHECK(entry.theta == Approx(3 + 0.5 * std::sqrt(3.5)));
  CHECK(entry.kept_mass == 0.5);
  CHECK(std::isnan(entry.sdc));
}

TEST_CASE("a single row, and equal rows, deviate by nothing") {
  CHECK(entry_of({0.1F}, 3).theta == static_cast<double>(0.1F));
  for (const float value : {0.1F, -1e30F, 1e-30F, 12345.678F}) {
    const ThresholdEntry entry = entry_of(std::vector<float>(1001, value), 3);
    CHECK(entry.std == 0);
    CHECK(entry.theta == Approx(static_cast<double>(value)).epsilon(1e-15));
  }
}

TEST_CASE("close values far from zero keep their deviation") {
  const auto base = 1048576.0F;
  const ThresholdEntry entry = entry_of({base, base + 0.125F}, 0);
  CHECK(entry.std == 0.0625);
  CHECK(entry.theta == 1048576.0625);
}

TEST_CASE("any grouping gives the same bits") {
  Random random(11);
  std::vector<float> values(3000);
  for (float& value : values)
    value = static_cast<float>(std::exp(20 * random.uniform() - 10) * (random.uniform() - 0.3));
  ThresholdStatistics whole;
  std::vector<ThresholdStatistics> parts(7);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double mass = 1 / (3.0 + static_cast<double>(i));
    whole.add(values[i], mass, 1);
    parts[i * 7 / values.size()].add(values[i], mass, 1);
  }
  ThresholdStatistics merged;
  for (std::size_t i = parts.size(); i-- > 0;)
    merged.merge(parts[i]);
  const ThresholdEntry a = whole.finish(0.3);
  const ThresholdEntry b = merged.finish(0.3);
  CHECK(a.count == b.count);
  CHECK(a.theta == b.theta);
  CHECK(a.std == b.std);
  CHECK(a.kept_mass == b.kept_mass);
}

TEST_CASE("lengths far apart, visited in order") {
  ByLength<SdcStatistics> statistics;
  CHECK(statistics.empty());
  for (const std::int32_t length : {100000, 1, 64, 63, 1})
    statistics.at(length).add(length);
  ByLength<SdcStatistics> other;
  other.at(64).add(2);
  other.at(65).add(3);
  statistics.merge(other);
  std::vector<std::pair<std::int32_t, double>> seen;
  statistics.for_each(
      [&](std::int32_t length, const SdcStatistics& s) { seen.emplace_back(length, s.mean()); });
  CHECK(seen ==
        std::vector<std::pair<std::int32_t, double>>{{1, 1}, {63, 63}, {64, 33}, {65, 3}, {100000, 100000}});
}
