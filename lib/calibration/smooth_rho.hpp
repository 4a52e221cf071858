// Calibrated SDC's rho pooled over row lengths, smoothed, and found from curves.
//
// docs/method.md, "Calibrating"; docs/calibration.md, "rho".
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// What some rows of about one length say.
struct RhoPoint {
  double length = 0;
  double logarithm = 0;  // mean over the rows of ln rho
  double rows = 0;
};

// ln rho of one head as a function of the row length: points are pooled in bins, `per_octave` to the octave
// (means weighted by rows, of ln rho and of the length); each bin is averaged with its neighbours, weights
// 1/4, 1/2, 1/4 times their rows; between bins it is interpolated along ln n, outside it is the nearest
// bin's.
class SmoothRho {
 public:
  SmoothRho(const std::vector<RhoPoint>& points, std::int64_t per_octave);
  [[nodiscard]] bool empty() const { return bins_.empty(); }
  // Of a head that is not empty.
  [[nodiscard]] double logarithm(double length) const;

 private:
  std::vector<RhoPoint> bins_;
};

inline constexpr std::int64_t kRhoBinsPerOctave = 2;

// The entries' own rho, of those that have one.
std::vector<RhoPoint> rho_points(const std::vector<ThresholdEntry>& entries);

// The rho of every entry in place of its own: SmoothRho of all of the head's.
void smooth_rho(std::vector<ThresholdEntry>& entries, std::int64_t per_octave);

// From a head's curves of scores before the softmax: for each curve whose rows are longer than k, the mean of
// e^(s - theta) over all elements that theta(length) drops. Where rows differ this is above the geometric
// mean over rows, which curves do not know. Elements count as spread evenly over their bin.
std::vector<RhoPoint> rho_points(const std::vector<ScoreCurve>& curves, std::int64_t k,
                                 const std::function<double(double)>& theta);

// Sets the rho of a target that was made from the table's curves (calibration/retarget.hpp), in half-octaves,
// smoothed. Where a target of `table` has rho, that of the k nearest to the new one says by what factor the
// geometric mean is below the curves' mean there, and the new rho is corrected by it. Throws UsageError for a
// table without curves, and for placements that need no SDC.
void fill_rho_from_curves(Target& target, const ThresholdTable& table);

}  // namespace toptheta
