#include "calibration/drift.hpp"

#include <algorithm>
#include <cmath>

#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"
#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int64_t kLayers = 1;
constexpr std::int64_t kHeads = 3;
constexpr std::int32_t kTokens = 60;
const ModelShape kShape = {kLayers, kHeads, 1, 8};

// Head 2 is shifted, which moves its thresholds and keeps their distribution.
std::vector<RandomScores> samples(std::uint64_t first_seed, float shift) {
  std::vector<RandomScores> result;
  for (std::uint64_t seed = first_seed; seed < first_seed + 12; ++seed) {
    result.emplace_back(kLayers, kHeads, kTokens, seed);
    for (std::int32_t n = 1; n <= kTokens; ++n)
      for (float& s : result.back().row(0, 2, n))
        s += shift;
  }
  return result;
}

ThresholdTable calibrated(const std::vector<RandomScores>& rows, bool curves, bool pooled = false) {
  ThresholdFitter fitter({.k = {6}}, kShape);
  CurveFitter curve_fitter(Placement::pre_softmax, Placement::pre_softmax, kShape);
  for (const RandomScores& scores : rows) {
    scores.feed(fitter, 7);
    scores.feed(curve_fitter, 7);
  }
  ThresholdTable table = fitter.table({});
  if (curves) table.curves = curve_fitter.curves();
  if (pooled) table.targets[0] = pooled_target(table, 6, {});
  return table;
}

}  // namespace

TEST_CASE("the distance of two curves is that of their values") {
  Random random(1);
  ScoreCurve a{.length_bin = 0, .rows = 1};
  ScoreCurve b = a;
  std::vector<std::int32_t> values_a;
  std::vector<std::int32_t> values_b;
  for (std::int32_t bin = -5; bin < 30; ++bin) {
    const auto count_a = static_cast<std::int64_t>(random.below(4));
    const auto count_b = static_cast<std::int64_t>(random.below(6));
    if (count_a > 0) a.bins.push_back({bin, count_a, 0});
    if (count_b > 0) b.bins.push_back({bin + 3, count_b, 0});
    values_a.insert(values_a.end(), static_cast<std::size_t>(count_a), bin);
    values_b.insert(values_b.end(), static_cast<std::size_t>(count_b), bin + 3);
  }
  double expected = 0;
  for (std::int32_t at = -6; at < 40; ++at) {
    const auto share = [at](const std::vector<std::int32_t>& values) {
      return static_cast<double>(
                 std::count_if(values.begin(), values.end(), [at](auto v) { return v <= at; })) /
             static_cast<double>(values.size());
    };
    expected = std::max(expected, std::abs(share(values_a) - share(values_b)));
  }
  CHECK(kolmogorov_smirnov(a, b) == Approx(expected));
  CHECK(kolmogorov_smirnov(b, a) == Approx(expected));
  CHECK(kolmogorov_smirnov(a, a) == 0);
}

TEST_CASE(
    "with curves, a head has drifted where its thresholds keep another number of the other's elements") {
  const auto rows_a = samples(1, 0);
  std::vector<RandomScores> rows_b = samples(100, 1);
  const ThresholdTable a = calibrated(rows_a, true);
  const ThresholdTable b = calibrated(rows_b, true);
  const std::vector<HeadDrift> drifts = drift_between(a, "a.h5", b, "b.h5", {}, 0.15);
  REQUIRE(drifts.size() == 3);
  CHECK_FALSE(drifts[0].recalibrate);
  CHECK_FALSE(drifts[1].recalibrate);
  CHECK(drifts[2].recalibrate);
  CHECK(drifts[0].distance < 0.1);
  CHECK(drifts[2].distance > 0.05);
  CHECK(drifts[2].difference == Approx(1).margin(0.2));
  CHECK(drifts[2].weight_change == Approx(std::expm1(1)).epsilon(0.2));
  CHECK(drifts[2].a_on_b > 1.15);
  CHECK(drifts[2].b_on_a < 0.85);
  // a's thresholds on b's rows, counted.
  double by_a = 0;
  double by_b = 0;
  for (RandomScores& scores : rows_b)
    for (const ThresholdEntry& entry : a.targets[0].cells[2]) {
      if (entry.length <= 7) continue;  // the bin of 7 holds 6 too: dense
      const ThresholdEntry& own = b.targets[0].cells[2][static_cast<std::size_t>(entry.length - 7)];
      for (const float s : scores.row(0, 2, entry.length)) {
        by_a += static_cast<double>(s) > entry.theta ? 1 : 0;
        by_b += static_cast<double>(s) > own.theta ? 1 : 0;
      }
    }
  CHECK(drifts[2].a_on_b == Approx(by_a / by_b).epsilon(0.04));
}

TEST_CASE("without curves, thresholds are compared in standard errors and as softmax weights") {
  const ThresholdTable a = calibrated(samples(1, 0), false);
  const ThresholdTable b = calibrated(samples(100, 1), false);
  const std::vector<HeadDrift> drifts = drift_between(a, "a.h5", b, "b.h5", {6}, 0.15);
  CHECK(std::isnan(drifts[0].a_on_b));
  CHECK(std::isnan(drifts[0].distance));
  CHECK(drifts[0].lengths == kTokens - 6);
  // Rows are independent here: the difference is its standard error, about.
  CHECK(drifts[0].standard_errors > 0.7);
  CHECK(drifts[0].standard_errors < 1.5);
  CHECK_FALSE(drifts[0].recalibrate);
  CHECK(drifts[2].standard_errors > 3);
  CHECK(drifts[2].recalibrate);
  CHECK_FALSE(drift_between(a, "a.h5", b, "b.h5", {6}, 5)[2].recalibrate);
}

TEST_CASE("thresholds without a spread of their own are compared too; a drift has two directions") {
  const ThresholdTable a = calibrated(samples(1, 0), true, true);
  const ThresholdTable b = calibrated(samples(100, -1), false);
  const std::vector<HeadDrift> there = drift_between(a, "a.h5", b, "b.h5", {}, 0.15);
  CHECK(std::isnan(there[2].a_on_b));  // b has no curves
  CHECK(there[2].b_on_a > 1.15);
  CHECK(there[2].recalibrate);
  CHECK(std::isnan(there[2].standard_errors));
  CHECK(there[0].b_on_a == Approx(drift_between(b, "b.h5", a, "a.h5", {}, 0.15)[0].a_on_b));
}

TEST_CASE("what cannot be compared is refused") {
  const ThresholdTable a = calibrated(samples(1, 0), false);
  ThresholdTable b = a;
  b.meta.placement = Placement::post_softmax;
  CHECK_THROWS_AS(drift_between(a, "a.h5", b, "b.h5", {}, 0.1), InputError);
  b = a;
  b.meta.shape.num_layers = 2;
  CHECK_THROWS_AS(drift_between(a, "a.h5", b, "b.h5", {}, 0.1), InputError);
  b = a;
  b.targets[0].k = 7;
  CHECK_THROWS_AS(drift_between(a, "a.h5", b, "b.h5", {}, 0.1), UsageError);
  CHECK_THROWS_AS(drift_between(a, "a.h5", a, "a.h5", {5}, 0.1), UsageError);
}
