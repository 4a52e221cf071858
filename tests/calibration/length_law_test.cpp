#include "calibration/length_law.hpp"

#include <cmath>

#include "calibration/curve_fitter.hpp"
#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "support/catch.hpp"
#include "support/sample_table.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

const ModelShape kOne = {1, 1, 1, 1};

// A curve of `rows` rows of n keys, of which k lie in the bin `top` and the rest far below.
ScoreCurve two_bins(std::int32_t n, std::int64_t rows, std::int64_t k, std::int32_t top) {
  return {length_bin(n), rows, n, n, {{-1200, rows * (n - k), 0}, {top, rows * k, 0}}};
}

// Scores with an exponential tail of this steepness: -ln(u) / steepness.
std::vector<float> exponential_row(std::int32_t n, double steepness, Random& random) {
  std::vector<float> row(static_cast<std::size_t>(n));
  for (float& score : row)
    score = static_cast<float>(-std::log(1 - random.uniform()) / steepness);
  return row;
}

ThresholdTable table_of_exponentials(const std::vector<std::int32_t>& lengths, double steepness) {
  Random random(3);
  CurveFitter fitter(Placement::pre_softmax, Placement::pre_softmax, kOne);
  for (const std::int32_t n : lengths)
    for (int row = 0; row < 200; ++row) {
      const std::vector<float> scores = exponential_row(n, steepness, random);
      const std::vector<std::int32_t> length = {n};
      fitter.add({0, 0, scores.data(), n, length});
    }
  ThresholdTable table;
  table.meta.shape = kOne;
  table.curves = fitter.curves();
  return table;
}

}  // namespace

TEST_CASE("the length law is the weighted least squares line through the curves") {
  constexpr std::int64_t kKept = 16;
  const std::vector<std::int32_t> lengths = {40, 80, 161, 400, 1000};
  const std::vector<std::int64_t> rows = {5, 9, 30, 70, 200};
  const std::vector<std::int32_t> top = {-70, -33, -20, 8, 61};
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    // Too short for k: left out.
    std::vector<ScoreCurve> curves = {two_bins(16, 1000, 10, 3)};
    double sw = 0, sx = 0, sy = 0;
    std::vector<double> x, y;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      curves.push_back(two_bins(lengths[i], rows[i], kKept, top[i]));
      const double edge = lower_edge(top[i], placement);
      x.push_back(std::log(lengths[i]));
      y.push_back(placement == Placement::pre_softmax ? edge : std::log(edge));
      const auto w = static_cast<double>(rows[i]);
      sw += w, sx += w * x[i], sy += w * y[i];
    }
    double xx = 0, xy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double w = static_cast<double>(rows[i]) * 5 / sw;
      xx += w * (x[i] - sx / sw) * (x[i] - sx / sw);
      xy += w * (x[i] - sx / sw) * (y[i] - sy / sw);
    }
    const double b = xy / xx;
    const double a = sy / sw - b * sx / sw;
    double rest = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      rest += static_cast<double>(rows[i]) * 5 / sw * std::pow(y[i] - a - b * x[i], 2);
    const double deviation = std::sqrt(rest / 3);

    const auto law = length_law(curves, placement, kKept);
    REQUIRE(law);
    CHECK(law->b == Approx(b));
    CHECK(law->a == Approx(a));
    CHECK(law->deviation == Approx(deviation));
    CHECK(law->b_error == Approx(deviation / std::sqrt(xx)));
    CHECK(law->shortest == 40);
    CHECK(law->longest == 1000);
    CHECK(law->curves == 5);
    const double at_2000 = a + b * std::log(2000);
    CHECK(law->theta(2000) == Approx(placement == Placement::pre_softmax ? at_2000 : std::exp(at_2000)));
    CHECK(law->error(2000) ==
          Approx(deviation * std::sqrt(1.0 / 5 + std::pow(std::log(2000) - sx / sw, 2) / xx)));
    CHECK(law->error(2000) > law->error(1000));
  }
  CHECK_FALSE(length_law({two_bins(40, 5, 16, 1), two_bins(80, 5, 16, 2)}, Placement::pre_softmax, 16));
  CHECK_FALSE(length_law({}, Placement::pre_softmax, 16));
}

TEST_CASE("thresholds extended by the law keep k where tails are exponential") {
  ThresholdTable table = table_of_exponentials({50, 100, 200, 400, 800}, 2);
  const auto law = length_law(table.curves.cells[0], Placement::pre_softmax, 16);
  REQUIRE(law);
  // theta = ln(n / k) / steepness.
  CHECK(law->b == Approx(0.5).margin(5 * law->b_error + 0.01));
  CHECK(law->theta(3200) == Approx(std::log(200.0) / 2).margin(5 * law->error(3200) + 0.02));

  table.targets = {pooled_target(table, 16, {})};
  table.meta.estimator = "pooled";
  const std::vector<ThresholdEntry> before = table.targets[0].cells[0];
  extend_lengths(table, 3200);
  const std::vector<ThresholdEntry>& entries = table.targets[0].cells[0];
  REQUIRE(entries.size() > before.size() + 30);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i < before.size()) {
      CHECK(same(entries[i], before[i]));
      continue;
    }
    CHECK(entries[i].length > entries[i - 1].length);
    CHECK(entries[i].theta > entries[i - 1].theta);
    CHECK(entries[i].count == 0);
    CHECK(std::isnan(entries[i].kept_mass));
  }
  CHECK(entries.back().length == 3200);
  CHECK(table.meta.estimator == "pooled, extrapolated past 800");
  Random random(9);
  double kept = 0;
  double kept_without = 0;
  for (int row = 0; row < 100; ++row)
    for (const float score : exponential_row(3200, 2, random)) {
      kept += static_cast<double>(score) > entries.back().theta ? 1 : 0;
      kept_without += static_cast<double>(score) > before.back().theta ? 1 : 0;
    }
  CHECK(kept / 100 == Approx(16).epsilon(0.12));
  CHECK(kept_without / 100 > 50);  // four times as long: four times as many
}

TEST_CASE("only lengths past the calibrated ones can be extrapolated") {
  ThresholdTable table = table_of_exponentials({50, 100, 200}, 1);
  table.targets = {pooled_target(table, 16, {})};
  CHECK(problem_of<UsageError>([&] { extend_lengths(table, 200); }).where == "--extend-to");
  // Two curves are no law: nothing is made up.
  ThresholdTable two = table_of_exponentials({50, 100}, 1);
  two.targets = {pooled_target(two, 16, {})};
  const std::size_t entries = two.targets[0].cells[0].size();
  extend_lengths(two, 400);
  CHECK(two.targets[0].cells[0].size() == entries);
}

TEST_CASE("a head is extended by the law of its own k") {
  ThresholdTable uniform = table_of_exponentials({50, 100, 200, 400}, 2);
  uniform.meta.shape = {1, 2, 1, 1};
  uniform.curves.cells.push_back(uniform.curves.cells[0]);
  ThresholdTable by_head = uniform;
  uniform.targets = {pooled_target(uniform, 4, {}), pooled_target(uniform, 16, {})};
  by_head.targets = {pooled_target_by_head(by_head, {4, 16})};
  extend_lengths(uniform, 1600);
  extend_lengths(by_head, 1600);
  for (std::size_t head = 0; head < 2; ++head) {
    const std::vector<ThresholdEntry>& own = by_head.targets[0].cells[head];
    const std::vector<ThresholdEntry>& same_k = uniform.targets[head].cells[head];
    REQUIRE(own.size() == same_k.size());
    for (std::size_t i = 0; i < own.size(); ++i)
      CHECK(same(own[i], same_k[i]));
  }
}
