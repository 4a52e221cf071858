#include "calibration/smooth_rho.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "theta/between_entries.hpp"
#include "theta/length_bins.hpp"

namespace toptheta {

namespace {

// Weighted sums over the points of a bin, or over neighbouring bins.
struct LengthPool {
  double rows = 0;
  double lengths = 0;
  double logarithms = 0;

  void add(const RhoPoint& point, double weight) {
    rows += weight;
    lengths += weight * point.length;
    logarithms += weight * point.logarithm;
  }
};

// Of the targets that have rho in this cell, the one whose k is nearest to `k` by ratio; null if there is
// none.
const Target* nearest_with_rho(const ThresholdTable& table, std::size_t cell, std::int64_t k) {
  const Target* nearest = nullptr;
  double least = 0;
  for (const Target& candidate : table.targets) {
    if (rho_points(candidate.cells[cell]).empty()) continue;
    const double distance =
        std::abs(std::log(static_cast<double>(candidate.k_of(cell)) / static_cast<double>(k)));
    if (nearest != nullptr && distance >= least) continue;
    nearest = &candidate;
    least = distance;
  }
  return nearest;
}

SmoothRho of_curves(const std::vector<ScoreCurve>& curves, std::int64_t k,
                    const std::vector<ThresholdEntry>& entries) {
  return {
      rho_points(curves, k, [&entries](double n) { return interpolated_theta(entries, std::llround(n)); }),
      kRhoBinsPerOctave};
}

}  // namespace

SmoothRho::SmoothRho(const std::vector<RhoPoint>& points, std::int64_t per_octave) {
  const LengthBins bins(per_octave);
  std::map<std::int32_t, LengthPool> pools;
  for (const RhoPoint& point : points)
    pools[bins.key(static_cast<std::int32_t>(point.length))].add(point, point.rows);
  std::vector<RhoPoint> pooled;
  pooled.reserve(pools.size());
  for (const auto& [key, pool] : pools)
    pooled.push_back({pool.lengths / pool.rows, pool.logarithms / pool.rows, pool.rows});
  for (std::size_t b = 0; b < pooled.size(); ++b) {
    LengthPool around;
    around.add(pooled[b], pooled[b].rows / 2);
    if (b > 0) around.add(pooled[b - 1], pooled[b - 1].rows / 4);
    if (b + 1 < pooled.size()) around.add(pooled[b + 1], pooled[b + 1].rows / 4);
    bins_.push_back({pooled[b].length, around.logarithms / around.rows, pooled[b].rows});
  }
}

double SmoothRho::logarithm(double length) const {
  const auto above = std::find_if(bins_.begin(), bins_.end(),
                                  [length](const RhoPoint& bin) { return bin.length >= length; });
  if (above == bins_.begin()) return bins_.front().logarithm;
  if (above == bins_.end()) return bins_.back().logarithm;
  const RhoPoint& below = *std::prev(above);
  const double share = std::log(length / below.length) / std::log(above->length / below.length);
  return (1 - share) * below.logarithm + share * above->logarithm;
}

std::vector<RhoPoint> rho_points(const std::vector<ThresholdEntry>& entries) {
  std::vector<RhoPoint> points;
  for (const ThresholdEntry& entry : entries)
    if (entry.rho > 0)  // not NaN
      points.push_back({static_cast<double>(entry.length), std::log(entry.rho),
                        static_cast<double>(std::max<std::int64_t>(1, entry.count))});
  return points;
}

void smooth_rho(std::vector<ThresholdEntry>& entries, std::int64_t per_octave) {
  const SmoothRho smooth(rho_points(entries), per_octave);
  if (smooth.empty()) return;
  for (ThresholdEntry& entry : entries)
    entry.rho = std::exp(smooth.logarithm(entry.length));
}

std::vector<RhoPoint> rho_points(const std::vector<ScoreCurve>& curves, std::int64_t k,
                                 const std::function<double(double)>& theta) {
  std::vector<RhoPoint> points;
  for (const ScoreCurve& curve : curves) {
    if (curve.shortest <= k) continue;
    double elements = 0;
    for (const CurveBin& bin : curve.bins)
      elements += static_cast<double>(bin.count);
    const double length = elements / static_cast<double>(curve.rows);
    const double limit = theta(length);
    double dropped = 0;
    double sum = 0;
    for (const CurveBin& bin : curve.bins) {
      const double lower = lower_edge(bin.bin, Placement::pre_softmax);
      const double upper = std::min(limit, lower + kScoreBin);
      if (upper <= lower) continue;
      const double count = static_cast<double>(bin.count) * (upper - lower) / kScoreBin;
      dropped += count;
      // `count` times the mean of e^(s - limit) over s spread evenly from lower to upper.
      sum += count * std::exp(upper - limit) * -std::expm1(lower - upper) / (upper - lower);
    }
    if (dropped > 0 && sum > 0)
      points.push_back({length, std::log(sum / dropped), static_cast<double>(curve.rows)});
  }
  return points;
}

void fill_rho_from_curves(Target& target, const ThresholdTable& table) {
  require_curves(table, "rho");
  if (table.meta.placement != Placement::pre_softmax)
    throw UsageError({.where = "--sdc calibrated",
                      .what = "only thresholds before the softmax can be compensated",
                      .expected = "a table with placement pre-softmax",
                      .found = std::string(name_of(table.meta.placement))});
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    std::vector<ThresholdEntry>& entries = target.cells[cell];
    const std::vector<ScoreCurve>& curves = table.curves.cells[cell];
    if (entries.empty()) continue;
    const SmoothRho fresh = of_curves(curves, target.k_of(cell), entries);
    if (fresh.empty()) continue;
    const Target* known = nearest_with_rho(table, cell, target.k_of(cell));
    const SmoothRho geometric(known ? rho_points(known->cells[cell]) : std::vector<RhoPoint>(),
                              kRhoBinsPerOctave);
    const SmoothRho mean = known ? of_curves(curves, known->k_of(cell), known->cells[cell]) : geometric;
    const bool correct = !geometric.empty() && !mean.empty();
    for (ThresholdEntry& entry : entries) {
      const double n = entry.length;
      const double correction = correct ? geometric.logarithm(n) - mean.logarithm(n) : 0;
      entry.rho = std::exp(fresh.logarithm(n) + correction);
    }
  }
}

}  // namespace toptheta
