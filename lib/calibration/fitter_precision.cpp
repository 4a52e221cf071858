#include <algorithm>
#include <cmath>
#include <limits>

#include "calibration/fitter.hpp"
#include "core/normal.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kFewestDegrees = 20;  // with fewer degrees of freedom, the deviation is a guess

// Half of the 95% interval of one head's thresholds, as a relative error of the softmax weight at the
// threshold. 0 for a head without rows.
double half_interval(const ByLength<ThresholdStatistics>& cell, const LengthBins& bins, std::int32_t longest,
                     Placement placement) {
  double deviations = 0;  // sum of squared deviations from the mean of their length
  double total = 0;
  std::int64_t rows = 0;
  std::int64_t lengths = 0;
  cell.for_each([&](std::int32_t key, const ThresholdStatistics& statistics) {
    const ThresholdEntry entry = statistics.finish(0);
    deviations += entry.std * entry.std * static_cast<double>(entry.count);
    total += entry.theta * static_cast<double>(entry.count);
    rows += entry.count;
    lengths += std::min(bins.longest(key), longest) - bins.shortest(key) + 1;
  });
  if (rows == 0) return 0;
  if (rows - lengths < kFewestDegrees) return std::numeric_limits<double>::infinity();
  const double deviation = std::sqrt(deviations / static_cast<double>(rows - lengths));
  const double half =
      kNormal95 * deviation * std::sqrt(static_cast<double>(lengths) / static_cast<double>(rows));
  if (placement == Placement::pre_softmax) return std::expm1(half);
  const double mean = total / static_cast<double>(rows);
  return mean > 0 ? half / mean : std::numeric_limits<double>::infinity();
}

}  // namespace

double ThresholdFitter::widest_interval() const {
  double widest = 0;
  bool any = false;
  for (const std::vector<Cell>& target : cells_)
    for (std::size_t head = 0; head < target.size(); ++head) {
      any = any || !target[head].empty();
      widest = std::max(widest, half_interval(target[head], bins_, longest_[head], options_.placement));
    }
  return any ? widest : std::numeric_limits<double>::infinity();
}

}  // namespace toptheta
