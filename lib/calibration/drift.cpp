#include "calibration/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "theta/between_entries.hpp"

namespace toptheta {

namespace {

constexpr double kSignificant = 3;  // standard errors

using Entries = std::vector<ThresholdEntry>;

// The entry nearest to a length, the shorter one on a tie. `entries` must not be empty.
const ThresholdEntry& nearest(const Entries& entries, double length) {
  const auto above = std::lower_bound(
      entries.begin(), entries.end(), length,
      [](const ThresholdEntry& entry, double wanted) { return static_cast<double>(entry.length) < wanted; });
  if (above == entries.begin()) return *above;
  const auto below = std::prev(above);
  if (above == entries.end()) return *below;
  return above->length - length < length - below->length ? *above : *below;
}

// A head's thresholds by row length: the nearest entry's or, in a table of length bins, interpolated.
struct HeadThresholds {
  const Entries& entries;
  bool binned;
  [[nodiscard]] double theta(double length) const {
    return binned ? interpolated_theta(entries, std::llround(length)) : nearest(entries, length).theta;
  }
};

void compare_thresholds(const Entries& a, const HeadThresholds& of_b, Placement placement, HeadDrift& drift) {
  const Entries& b = of_b.entries;
  double difference = 0;
  double change = 0;
  double squares = 0;
  std::int64_t with_error = 0;
  for (const ThresholdEntry& entry : a) {
    if (b.empty()) break;
    const ThresholdEntry& other = nearest(b, entry.length);
    const bool within = of_b.binned && b.front().length <= entry.length && entry.length <= b.back().length;
    if (!within && std::abs(other.length - entry.length) > entry.length / 32) continue;
    ++drift.lengths;
    const double theta = of_b.theta(entry.length);
    const double d = theta - entry.theta;
    difference += d;
    change += placement == Placement::pre_softmax
                  ? std::expm1(std::abs(d))
                  : std::abs(d) / std::max(std::min(entry.theta, theta), 1e-30);
    const double variance =
        entry.std * entry.std / static_cast<double>(std::max<std::int64_t>(1, entry.count)) +
        other.std * other.std / static_cast<double>(std::max<std::int64_t>(1, other.count));
    if (entry.std == 0 || other.std == 0) continue;  // unknown: from a single row, or pooled
    squares += d * d / variance;
    ++with_error;
  }
  if (drift.lengths == 0) return;
  drift.difference = difference / static_cast<double>(drift.lengths);
  drift.weight_change = change / static_cast<double>(drift.lengths);
  if (with_error > 0) drift.standard_errors = std::sqrt(squares / static_cast<double>(with_error));
}

// The elements that thresholds keep of a row of this curve: the mean over the entries within the curve's row
// lengths or, if there are none, what the threshold for the mean length keeps.
double kept_of(const CurveReader& reader, const ScoreCurve& curve, const HeadThresholds& thresholds) {
  double kept = 0;
  double lengths = 0;
  for (const ThresholdEntry& entry : thresholds.entries) {
    if (entry.length < curve.shortest || entry.length > curve.longest) continue;
    kept += reader.kept(entry.theta);
    ++lengths;
  }
  return lengths > 0 ? kept / lengths : reader.kept(thresholds.theta(reader.mean_length()));
}

// The elements that `other` keeps of the rows of these curves, divided by those that `own` keeps. Curves with
// rows of n <= k, which are dense under both, are left out. NaN if nothing is left to compare.
double kept_ratio(const std::vector<ScoreCurve>& curves, Placement placement, std::int64_t k,
                  const HeadThresholds& other, const HeadThresholds& own) {
  double kept_by_other = 0;
  double kept_by_own = 0;
  for (const ScoreCurve& curve : curves) {
    if (curve.shortest <= k || other.entries.empty() || own.entries.empty()) continue;
    const CurveReader reader(curve, placement);
    kept_by_other += reader.rows() * kept_of(reader, curve, other);
    kept_by_own += reader.rows() * kept_of(reader, curve, own);
  }
  return kept_by_own > 0 ? kept_by_other / kept_by_own : kNotCalibrated;
}

double distance_of(const std::vector<ScoreCurve>& a, const std::vector<ScoreCurve>& b) {
  double sum = 0;
  double weights = 0;
  for (const ScoreCurve& curve : a) {
    const auto other = std::find_if(b.begin(), b.end(), [&](const ScoreCurve& candidate) {
      return candidate.length_bin == curve.length_bin;
    });
    if (other == b.end()) continue;
    const auto weight = static_cast<double>(std::min(curve.rows, other->rows));
    sum += weight * kolmogorov_smirnov(curve, *other);
    weights += weight;
  }
  return weights > 0 ? sum / weights : kNotCalibrated;
}

bool needs_recalibration(const HeadDrift& drift, double tolerance) {
  const auto past = [tolerance](double ratio) { return std::abs(ratio - 1) > tolerance; };
  const bool has_curves = !std::isnan(drift.a_on_b) || !std::isnan(drift.b_on_a);
  if (has_curves) return past(drift.a_on_b) || past(drift.b_on_a);  // NaN is not past
  const bool significant = std::isnan(drift.standard_errors) || drift.standard_errors > kSignificant;
  return drift.weight_change > tolerance && significant;
}

HeadDrift drift_of_head(const ThresholdTable& a, const ThresholdTable& b, const Target& target_a,
                        const Target& target_b, std::size_t cell, double tolerance) {
  const auto heads = static_cast<std::size_t>(a.meta.shape.num_heads);
  HeadDrift drift{.k = target_a.k,
                  .layer = static_cast<std::int64_t>(cell / heads),
                  .head = static_cast<std::int64_t>(cell % heads)};
  const Placement placement = a.meta.placement;
  const std::int64_t k = std::max(target_a.k_of(cell), target_b.k_of(cell));
  const HeadThresholds of_a{target_a.cells[cell], a.meta.length_bins > 0};
  const HeadThresholds of_b{target_b.cells[cell], b.meta.length_bins > 0};
  compare_thresholds(of_a.entries, of_b, placement, drift);
  if (!b.curves.empty()) drift.a_on_b = kept_ratio(b.curves.cells[cell], placement, k, of_a, of_b);
  if (!a.curves.empty()) drift.b_on_a = kept_ratio(a.curves.cells[cell], placement, k, of_b, of_a);
  if (!a.curves.empty() && !b.curves.empty())
    drift.distance = distance_of(a.curves.cells[cell], b.curves.cells[cell]);
  drift.recalibrate = needs_recalibration(drift, tolerance);
  return drift;
}

std::vector<std::int64_t> common_k(const ThresholdTable& a, const ThresholdTable& b,
                                   const std::string& path_a, const std::string& path_b) {
  std::vector<std::int64_t> common;
  for (const Target& target : a.targets)
    if (std::any_of(b.targets.begin(), b.targets.end(),
                    [&](const Target& other) { return other.k == target.k; }))
      common.push_back(target.k);
  if (common.empty())
    throw UsageError({.where = "drift",
                      .what = fmt::format("{} and {} have no k in common", path_a, path_b),
                      .next = "make thresholds for a k of the other: tt-calibrate retarget"});
  return common;
}

}  // namespace

double kolmogorov_smirnov(const ScoreCurve& a, const ScoreCurve& b) {
  const auto total = [](const ScoreCurve& curve) {
    double sum = 0;
    for (const CurveBin& bin : curve.bins)
      sum += static_cast<double>(bin.count);
    return sum;
  };
  const double total_a = total(a);
  const double total_b = total(b);
  double largest = 0;
  double below_a = 0;
  double below_b = 0;
  auto in_a = a.bins.begin();
  auto in_b = b.bins.begin();
  while (in_a != a.bins.end() || in_b != b.bins.end()) {
    const bool takes_a = in_b == b.bins.end() || (in_a != a.bins.end() && in_a->bin <= in_b->bin);
    const bool takes_b = in_a == a.bins.end() || (in_b != b.bins.end() && in_b->bin <= in_a->bin);
    if (takes_a) below_a += static_cast<double>((in_a++)->count) / total_a;
    if (takes_b) below_b += static_cast<double>((in_b++)->count) / total_b;
    largest = std::max(largest, std::abs(below_a - below_b));
  }
  return largest;
}

std::vector<HeadDrift> drift_between(const ThresholdTable& a, const std::string& path_a,
                                     const ThresholdTable& b, const std::string& path_b,
                                     const std::vector<std::int64_t>& k, double tolerance) {
  require_shape(b, a.meta.shape, path_b);
  if (a.meta.placement != b.meta.placement)
    throw InputError({.where = path_b,
                      .what = fmt::format("the placement is not that of {}", path_a),
                      .expected = std::string(name_of(a.meta.placement)),
                      .found = std::string(name_of(b.meta.placement))});
  if (a.meta.kept != b.meta.kept)
    throw InputError(
        {.where = path_b,
         .what = fmt::format("the positions kept in any case are not those of {}", path_a),
         .expected = fmt::format("keep-first {}, keep-recent {}", a.meta.kept.first, a.meta.kept.recent),
         .found = fmt::format("keep-first {}, keep-recent {}", b.meta.kept.first, b.meta.kept.recent)});
  std::vector<HeadDrift> drifts;
  for (const std::int64_t one : k.empty() ? common_k(a, b, path_a, path_b) : k) {
    const Target& target_a = a.target(one);
    const Target& target_b = b.target(one);
    for (std::size_t cell = 0; cell < target_a.cells.size(); ++cell)
      drifts.push_back(drift_of_head(a, b, target_a, target_b, cell, tolerance));
  }
  return drifts;
}

}  // namespace toptheta
