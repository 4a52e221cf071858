#include "calibration/table_precision.hpp"

#include <algorithm>
#include <cmath>

namespace toptheta {

namespace {

constexpr double kTwoSided95 = 1.959963984540054;
constexpr double kFewestBeyondFirst = 20;

const ThresholdEntry& nearest(const std::vector<ThresholdEntry>& entries, double length) {
  return *std::min_element(entries.begin(), entries.end(), [length](const auto& a, const auto& b) {
    return std::abs(a.length - length) < std::abs(b.length - length);
  });
}

// How much more elements are kept with thresholds lowered by `half`.
double change_of_kept(const std::vector<ScoreCurve>& curves, Placement placement, std::int64_t k,
                      const std::vector<ThresholdEntry>& entries, double half) {
  double kept = 0;
  double lowered = 0;
  for (const ScoreCurve& curve : curves) {
    if (curve.shortest <= k) continue;
    const CurveReader reader(curve, placement);
    const double theta = nearest(entries, reader.mean_length()).theta;
    kept += reader.rows() * reader.kept(theta);
    lowered += reader.rows() * reader.kept(theta - half);
  }
  return kept > 0 ? lowered / kept - 1 : kNotCalibrated;
}

double median(std::vector<double> values) {
  if (values.empty()) return kNotCalibrated;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::optional<ThresholdSpread> threshold_spread(const std::vector<ThresholdEntry>& entries) {
  double rows = 0;
  double lengths = 0;
  double theta = 0;
  double squares = 0;
  for (const ThresholdEntry& entry : entries) {
    if (entry.count == 0) continue;
    const auto count = static_cast<double>(entry.count);
    rows += count;
    ++lengths;
    theta += count * entry.theta;
    squares += count * entry.std * entry.std;
  }
  if (rows - lengths < kFewestBeyondFirst) return std::nullopt;
  const double deviation = std::sqrt(squares / (rows - lengths));
  return ThresholdSpread{theta / rows, kTwoSided95 * deviation * std::sqrt(lengths / rows), rows / lengths};
}

std::optional<TablePrecision> table_precision(const ThresholdTable& table, const Target& target) {
  std::vector<double> weights;
  std::vector<double> effective;
  std::vector<double> rows;
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    const std::vector<ThresholdEntry>& entries = target.cells[cell];
    const std::optional<ThresholdSpread> spread = threshold_spread(entries);
    if (!spread || spread->half == 0) continue;
    const bool pre = table.meta.placement == Placement::pre_softmax;
    weights.push_back(pre ? std::expm1(spread->half) : spread->half / std::max(spread->theta, 1e-30));
    rows.push_back(spread->rows);
    if (table.curves.empty()) continue;
    const double change = change_of_kept(table.curves.cells[cell], table.meta.placement, target.k_of(cell),
                                         entries, spread->half);
    if (!std::isnan(change)) effective.push_back(change);
  }
  if (weights.empty()) return std::nullopt;
  return TablePrecision{median(weights), median(effective), median(rows)};
}

std::int64_t documents_for(double half_width, double rows, double wanted) {
  const double factor = half_width / wanted;
  return static_cast<std::int64_t>(std::ceil(rows * factor * factor));
}

}  // namespace toptheta
