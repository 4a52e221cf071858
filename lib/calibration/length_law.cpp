#include "calibration/length_law.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/retarget.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

struct Point {
  double log_n;
  double value;   // theta, or its logarithm for weights
  double weight;  // rows
};

// A point for each curve whose rows are all longer than k, except weights whose threshold has no logarithm.
// Sets the law's range of row lengths.
std::vector<Point> points_of(const std::vector<ScoreCurve>& curves, Placement placement, std::int64_t k,
                             LengthLaw& law) {
  std::vector<Point> points;
  for (const ScoreCurve& curve : curves) {
    if (curve.shortest <= k) continue;
    const CurveReader reader(curve, placement);
    const double theta = reader.theta(static_cast<double>(k));
    const bool weights = placement == Placement::post_softmax;
    if (weights && theta <= 0) continue;
    if (points.empty()) law.shortest = curve.shortest;
    law.longest = curve.longest;
    points.push_back({std::log(reader.mean_length()), weights ? std::log(theta) : theta, reader.rows()});
  }
  return points;
}

}  // namespace

double LengthLaw::theta(double n) const {
  const double value = a + b * std::log(n);
  return placement == Placement::pre_softmax ? value : std::exp(value);
}

double LengthLaw::error(double n) const {
  const double height = deviation / std::sqrt(static_cast<double>(curves));
  return std::hypot(height, b_error * (std::log(n) - center));
}

std::optional<LengthLaw> length_law(const std::vector<ScoreCurve>& curves, Placement placement,
                                    std::int64_t k) {
  LengthLaw law;
  law.placement = placement;
  const std::vector<Point> points = points_of(curves, placement, k, law);
  if (points.size() < 3) return std::nullopt;
  const auto count = static_cast<double>(points.size());
  double total = 0;
  double mean = 0;
  for (const Point& point : points) {
    total += point.weight;
    law.center += point.weight * point.log_n;
    mean += point.weight * point.value;
  }
  law.center /= total;
  mean /= total;
  double xx = 0;  // sums with weights scaled to an average of 1
  double xy = 0;
  for (const Point& point : points) {
    const double weight = point.weight * count / total;
    xx += weight * (point.log_n - law.center) * (point.log_n - law.center);
    xy += weight * (point.log_n - law.center) * (point.value - mean);
  }
  law.b = xy / xx;
  law.a = mean - law.b * law.center;
  double rest = 0;
  for (const Point& point : points) {
    const double off = point.value - (law.a + law.b * point.log_n);
    rest += point.weight * count / total * off * off;
  }
  law.deviation = std::sqrt(rest / (count - 2));
  law.b_error = law.deviation / std::sqrt(xx);
  law.curves = static_cast<std::int64_t>(points.size());
  return law;
}

void extend_lengths(ThresholdTable& table, std::int32_t length) {
  const std::int32_t longest = table.curves.longest_row();
  if (length <= longest)
    throw UsageError({.where = "--extend-to",
                      .what = "the calibrated rows reach as far already",
                      .expected = fmt::format("more than {} keys", longest),
                      .found = fmt::format("{}", length)});
  const LengthBins bins(table.meta.length_bins);
  for (Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
      std::vector<ThresholdEntry>& entries = target.cells[cell];
      if (entries.empty()) continue;
      const auto law = length_law(table.curves.cells[cell], table.meta.placement, target.k_of(cell));
      if (!law) continue;
      const ThresholdEntry last = entries.back();
      const double slope = law->b;
      const auto add = [&](std::int32_t n) {
        const double step = slope * std::log(static_cast<double>(n) / last.length);
        ThresholdEntry entry;
        entry.length = n;
        entry.theta =
            table.meta.placement == Placement::pre_softmax ? last.theta + step : last.theta * std::exp(step);
        entries.push_back(entry);
      };
      const std::int32_t seen = table.curves.cells[cell].back().longest;
      const std::int32_t next = bins.any() ? seen + 1 : seen + std::max(1, seen / kEntriesPerOctave);
      for (const std::int32_t n : entry_lengths(std::min(next, length), length, bins))
        add(n);
    }
  table.meta.estimator += fmt::format(", extrapolated past {}", longest);
}

}  // namespace toptheta
