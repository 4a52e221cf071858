#include <algorithm>
#include <cmath>
#include <limits>

#include "calibration/fitter.hpp"
#include "calibration/table_precision.hpp"

namespace toptheta {

namespace {

// Half of the interval of one head's thresholds, in the units of `placement`. 0 for a head without rows.
double half_interval(const ByLength<ThresholdStatistics>& cell, Placement placement) {
  std::vector<ThresholdEntry> entries;
  cell.for_each([&](std::int32_t length, const ThresholdStatistics& statistics) {
    entries.push_back(statistics.finish(length, 0));
  });
  if (entries.empty()) return 0;
  const std::optional<ThresholdSpread> spread = threshold_spread(entries);
  if (!spread) return std::numeric_limits<double>::infinity();
  if (placement == Placement::pre_softmax) return std::expm1(spread->half);
  return spread->theta > 0 ? spread->half / spread->theta : std::numeric_limits<double>::infinity();
}

}  // namespace

double ThresholdFitter::widest_interval() const {
  double widest = 0;
  bool any = false;
  for (const std::vector<Cell>& target : cells_)
    for (const Cell& cell : target) {
      any = any || !cell.empty();
      widest = std::max(widest, half_interval(cell, options_.placement));
    }
  return any ? widest : std::numeric_limits<double>::infinity();
}

}  // namespace toptheta
