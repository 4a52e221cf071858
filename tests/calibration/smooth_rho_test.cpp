#include "calibration/smooth_rho.hpp"

#include <map>

#include "calibration/curve_fitter.hpp"
#include "calibration/fitter.hpp"
#include "calibration/retarget.hpp"
#include "calibration/sdc_fitter.hpp"
#include "support/catch.hpp"
#include "support/random_rows.hpp"
#include "support/sample_table.hpp"
#include "theta/between_entries.hpp"

using namespace toptheta;
using namespace toptheta::testing;

namespace {

const ModelShape kRhoShape = {1, 2, 1, 8};
constexpr std::int32_t kRhoTokens = 120;

std::vector<RandomScores> rho_samples() {
  return {RandomScores(1, 2, kRhoTokens, 21), RandomScores(1, 2, kRhoTokens, 22)};
}

// Half-octaves, their neighbours, and ln n between them, as docs/method.md says; on plain maps.
double plain_smooth(const std::vector<RhoPoint>& points, double n) {
  std::map<int, std::vector<RhoPoint>> half_octaves;
  for (const RhoPoint& point : points) {
    const int octave = static_cast<int>(std::floor(std::log2(std::floor(point.length))));
    const bool upper = std::floor(point.length) >= 1.5 * std::exp2(octave);
    half_octaves[2 * octave + (upper ? 1 : 0)].push_back(point);
  }
  std::vector<RhoPoint> bins;
  for (const auto& [key, of_bin] : half_octaves) {
    RhoPoint mean;
    for (const RhoPoint& point : of_bin)
      mean.rows += point.rows;
    for (const RhoPoint& point : of_bin) {
      mean.length += point.length * point.rows / mean.rows;
      mean.logarithm += point.logarithm * point.rows / mean.rows;
    }
    bins.push_back(mean);
  }
  std::vector<double> smooth;
  for (std::size_t b = 0; b < bins.size(); ++b) {
    double sum = 0;
    double weights = 0;
    for (std::size_t other = b == 0 ? 0 : b - 1; other <= std::min(b + 1, bins.size() - 1); ++other) {
      const double weight = bins[other].rows * (other == b ? 0.5 : 0.25);
      sum += weight * bins[other].logarithm;
      weights += weight;
    }
    smooth.push_back(sum / weights);
  }
  if (n <= bins.front().length) return smooth.front();
  for (std::size_t b = 1; b < bins.size(); ++b)
    if (n <= bins[b].length) {
      const double share = std::log(n / bins[b - 1].length) / std::log(bins[b].length / bins[b - 1].length);
      return (1 - share) * smooth[b - 1] + share * smooth[b];
    }
  return smooth.back();
}

// Mean of e^(s - theta) over all that theta drops of the rows of a curve.
RhoPoint plain_point(std::vector<RandomScores>& samples, std::int64_t head, const ScoreCurve& curve,
                     double theta) {
  RhoPoint point;
  double sum = 0;
  double dropped = 0;
  for (RandomScores& scores : samples)
    for (std::int32_t n = curve.shortest; n <= curve.longest; ++n) {
      if (length_bin(n) != curve.length_bin) continue;
      for (const float score : scores.row(0, head, n)) {
        if (static_cast<double>(score) > theta) continue;
        sum += std::exp(static_cast<double>(score) - theta);
        ++dropped;
      }
      point.length += n;
      ++point.rows;
    }
  point.length /= point.rows;
  point.logarithm = std::log(sum / dropped);
  return point;
}

ThresholdTable table_with_curves(const std::vector<RandomScores>& samples, std::int64_t rho_bins) {
  ThresholdFitter fitter({.k = {10}}, kRhoShape);
  CurveFitter curves(Placement::pre_softmax, Placement::pre_softmax, kRhoShape);
  for (const RandomScores& scores : samples) {
    scores.feed(fitter, 16);
    scores.feed(curves, 16);
  }
  ThresholdTable table = fitter.table({});
  table.curves = curves.curves();
  SdcFitter sdc(table, {.offline = false, .calibrated = true, .rho_bins = rho_bins});
  for (const RandomScores& scores : samples)
    scores.feed(sdc, 16);
  sdc.fill(table);
  return table;
}

}  // namespace

TEST_CASE("rho is pooled over half-octaves and smoothed over the row length") {
  const std::vector<RandomScores> samples = rho_samples();
  const ThresholdTable single = table_with_curves(samples, 0);
  const ThresholdTable smooth = table_with_curves(samples, 2);
  for (std::size_t cell = 0; cell < 2; ++cell) {
    std::vector<RhoPoint> points;
    for (const ThresholdEntry& entry : single.targets[0].cells[cell])
      points.push_back({static_cast<double>(entry.length), std::log(entry.rho), 2});
    for (const ThresholdEntry& entry : smooth.targets[0].cells[cell])
      CHECK(entry.rho == Approx(std::exp(plain_smooth(points, entry.length))).epsilon(1e-12));
  }
}

TEST_CASE("rho of another k comes from curves, as the mean over the dropped") {
  std::vector<RandomScores> samples = rho_samples();
  ThresholdTable table = table_with_curves(samples, 0);
  for (auto& cell : table.targets[0].cells)
    for (ThresholdEntry& entry : cell)
      entry.rho = kNotCalibrated;
  Target target = pooled_target(table, 5, {});
  fill_rho_from_curves(target, table);
  for (std::size_t cell = 0; cell < 2; ++cell) {
    std::vector<RhoPoint> points;
    for (const ScoreCurve& curve : table.curves.cells[cell]) {
      if (curve.shortest <= 5) continue;
      RhoPoint point = plain_point(samples, static_cast<std::int64_t>(cell), curve, 0);
      const double theta = interpolated_theta(target.cells[cell], std::llround(point.length));
      points.push_back(plain_point(samples, static_cast<std::int64_t>(cell), curve, theta));
    }
    for (const ThresholdEntry& entry : target.cells[cell])
      CHECK(entry.rho == Approx(std::exp(plain_smooth(points, entry.length))).epsilon(0.02));
  }
}

TEST_CASE("where the table knows rho of its own k, retargeting to that k gives it back") {
  const std::vector<RandomScores> samples = rho_samples();
  const ThresholdTable table = table_with_curves(samples, 0);
  Target again = table.targets[0];
  fill_rho_from_curves(again, table);
  for (std::size_t cell = 0; cell < 2; ++cell) {
    const SmoothRho own(rho_points(table.targets[0].cells[cell]), kRhoBinsPerOctave);
    for (const ThresholdEntry& entry : again.cells[cell])
      CHECK(entry.rho == Approx(std::exp(own.logarithm(entry.length))).epsilon(1e-12));
  }
}

TEST_CASE("rho is not made where nothing says it") {
  ThresholdTable table;
  Target target;
  CHECK_THROWS_AS(fill_rho_from_curves(target, table), UsageError);  // no curves
  table.curves.cells.resize(1);
  table.meta.placement = Placement::post_softmax;
  CHECK_THROWS_AS(fill_rho_from_curves(target, table), UsageError);
}
