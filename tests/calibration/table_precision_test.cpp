#include "calibration/table_precision.hpp"

#include <cmath>

#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

constexpr std::int32_t kTokens = 40;
const ModelShape kShape = {1, 2, 1, 8};

// Every sample is shifted as a whole: its rows keep more or fewer elements together, as those of one text do.
ThresholdTable calibrated(std::uint64_t documents, bool curves, std::uint64_t first_seed = 1) {
  ThresholdFitter fitter({.k = {5}}, kShape);
  CurveFitter curve_fitter(Placement::pre_softmax, Placement::pre_softmax, kShape);
  for (std::uint64_t seed = first_seed; seed < first_seed + documents; ++seed) {
    RandomScores scores(1, 2, kTokens, seed);
    const auto shift = static_cast<float>(Random(seed, 9).uniform() - 0.5);
    for (std::int64_t head = 0; head < 2; ++head)
      for (std::int32_t n = 1; n <= kTokens; ++n)
        for (float& s : scores.row(0, head, n))
          s = 0.2F * s + shift;
    scores.feed(fitter, 8);
    scores.feed(curve_fitter, 8);
  }
  ThresholdTable table = fitter.table({});
  if (curves) table.curves = curve_fitter.curves();
  return table;
}

}  // namespace

TEST_CASE("the half-width is what thresholds of other documents differ by") {
  const ThresholdTable table = calibrated(16, true);
  const TablePrecision precision = table_precision(table, table.targets[0]).value();
  CHECK(precision.rows == 16);
  // Calibrations on other documents lie within it 95 times in 100.
  const double truth = calibrated(400, false, 5000).targets[0].cells[0].back().theta;
  int within = 0;
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    const double theta = calibrated(16, false, 100 + 16 * trial).targets[0].cells[0].back().theta;
    within += std::expm1(std::abs(theta - truth)) <= precision.weight ? 1 : 0;
  }
  CHECK(within >= 52);
  CHECK(within < 60);
  CHECK(precision.effective_k > 0);
  CHECK(std::isnan(table_precision(calibrated(16, false), calibrated(16, false).targets[0])->effective_k));
}

TEST_CASE("four times the documents halve it") {
  const ThresholdTable few = calibrated(16, true);
  const ThresholdTable many = calibrated(64, true);
  const TablePrecision of_few = table_precision(few, few.targets[0]).value();
  const TablePrecision of_many = table_precision(many, many.targets[0]).value();
  CHECK(of_many.weight == Approx(of_few.weight / 2).epsilon(0.2));
  CHECK(of_many.effective_k == Approx(of_few.effective_k / 2).epsilon(0.25));
  CHECK(documents_for(0.1, 16, 0.05) == 64);
  CHECK(documents_for(0.05, 16, 0.05) == 16);
}

TEST_CASE("where rows say nothing about spread, nothing is said") {
  const ThresholdTable one = calibrated(1, true);
  CHECK_FALSE(table_precision(one, one.targets[0]));
}
