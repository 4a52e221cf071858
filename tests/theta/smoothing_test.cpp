#include "theta/smoothing.hpp"

#include "support/catch.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

ThresholdTable one_cell(std::vector<ThresholdEntry> entries) {
  ThresholdTable table;
  table.meta.shape = {1, 1, 1, 0};
  table.targets = {Target{4, {4}, {std::move(entries)}}};
  return table;
}

std::vector<ThresholdEntry> smoothed(std::vector<ThresholdEntry> entries, double sigma) {
  return smooth_lengths(one_cell(std::move(entries)), sigma).targets[0].cells[0];
}

}  // namespace

TEST_CASE("missing lengths are interpolated") {
  const ThresholdTable table = smooth_lengths(
      one_cell(
          {{10, 1.0, 0.5, 7, 0.1, 0.9}, {14, 3.0, 1.5, 5, 0.5, 0.5}, {15, 4.0, 0, 1, 0.5, kNotCalibrated}}),
      0);
  const std::vector<ThresholdEntry>& cell = table.targets[0].cells[0];
  REQUIRE(cell.size() == 6);
  CHECK(same(cell[0], {10, 1.0, 0.5, 7, 0.1, 0.9}));
  CHECK(cell[1].length == 11);
  CHECK(cell[1].theta == 1.5);
  CHECK(cell[1].std == 0.75);
  CHECK(cell[1].count == 0);
  CHECK(cell[1].sdc == Approx(0.2));
  CHECK(cell[1].kept_mass == Approx(0.8));
  CHECK(cell[4].count == 5);
  CHECK(std::isnan(cell[5].kept_mass));
  CHECK(table.meta.estimator == "exact, smoothed over lengths (sigma 0)");
}

TEST_CASE("laws for rho stay with the thresholds that they were fitted with") {
  CHECK(smooth_lengths(sample_table_with_laws(), 0).targets[0].rho_law_of(2).any());
  CHECK_FALSE(smooth_lengths(sample_table_with_laws(), 1).targets[0].has_rho_laws());
}

TEST_CASE("SDC terms are interpolated among the lengths that have one") {
  const ThresholdTable table = smooth_lengths(
      one_cell({{10, 1, 0, 1}, {11, 1, 0, 1, 0.2}, {12, 1, 0, 1}, {13, 1, 0, 1, 0.4}, {15, 1, 0, 1}}), 0);
  const std::vector<ThresholdEntry>& cell = table.targets[0].cells[0];
  CHECK(std::isnan(cell[0].sdc));
  CHECK(cell[1].sdc == 0.2);
  CHECK(cell[2].sdc == Approx(0.3));
  CHECK(cell[3].sdc == 0.4);
  CHECK(std::isnan(cell[4].sdc));
}

TEST_CASE("a constant stays, a line stays inside, noise shrinks") {
  std::vector<ThresholdEntry> constant;
  std::vector<ThresholdEntry> line;
  std::vector<ThresholdEntry> noise;
  for (std::int32_t n = 5; n < 205; ++n) {
    constant.push_back({n, 0.1, 0, 1, 0.3});
    line.push_back({n, 0.5 * n, 0, 1});
    noise.push_back({n, n % 2 == 0 ? 1.0 : -1.0, 0.25, 1});
  }
  for (const ThresholdEntry& entry : smoothed(constant, 3)) {
    CHECK(entry.theta == 0.1);
    CHECK(entry.sdc == 0.3);
  }
  const auto smooth_line = smoothed(line, 3);
  for (std::size_t i = 12; i + 12 < smooth_line.size(); ++i)
    CHECK(smooth_line[i].theta == Approx(0.5 * smooth_line[i].length));
  CHECK(smooth_line.front().theta > 2.5);  // the end leans on one side
  const auto smooth_noise = smoothed(noise, 3);
  for (std::size_t i = 12; i + 12 < smooth_noise.size(); ++i)
    CHECK(std::abs(smooth_noise[i].theta) < 1e-3);
  CHECK(smooth_noise[50].std == 0.25);
}

TEST_CASE("one step becomes the Gaussian's distribution function") {
  std::vector<ThresholdEntry> step;
  for (std::int32_t n = 1; n <= 100; ++n)
    step.push_back({n, n <= 50 ? 0.0 : 1.0, 0, 1});
  const auto smooth = smoothed(step, 4);
  for (std::size_t i = 20; i < 80; ++i) {
    const double z = (static_cast<double>(smooth[i].length) - 50.5) / 4;
    CHECK(smooth[i].theta == Approx(0.5 * std::erfc(-z / std::sqrt(2.0))).margin(2e-3));
  }
}

TEST_CASE("widths and ranges that make no sense are refused") {
  CHECK_THROWS_AS(smooth_lengths(sample_table(), -1), UsageError);
  CHECK_THROWS_AS(smooth_lengths(sample_table(), kNotCalibrated), UsageError);
  CHECK_THROWS_AS(smooth_lengths(one_cell({{1, 0, 0, 1}, {2147483647, 0, 0, 1}}), 1), InputError);
}
