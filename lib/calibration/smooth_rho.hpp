// Pools and smooths the rho of calibrated SDC over row lengths, and derives it from curves.
//
// docs/method.md, "Calibrating".
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// ln rho of some rows of similar length.
struct RhoPoint {
  double length = 0;     // mean length of the rows
  double logarithm = 0;  // mean of ln rho over the rows
  double rows = 0;
};

// ln rho of one head as a function of the row length. Points are pooled in `per_octave` bins per octave, by
// means of ln rho and of the length that are weighted by rows. Each bin is then averaged with its neighbours,
// with weights of 1/4, 1/2 and 1/4 times their rows. Between the bins' mean lengths the function is
// interpolated along ln n; outside of them it has the value of the nearest bin.
class SmoothRho {
 public:
  SmoothRho(const std::vector<RhoPoint>& points, std::int64_t per_octave);
  [[nodiscard]] bool empty() const { return bins_.empty(); }
  // ln rho for rows of this length. Requires !empty().
  [[nodiscard]] double logarithm(double length) const;

 private:
  std::vector<RhoPoint> bins_;
};

inline constexpr std::int64_t kRhoBinsPerOctave = 2;

// A point for each entry that has a rho.
std::vector<RhoPoint> rho_points(const std::vector<ThresholdEntry>& entries);

// Replaces the rho of every entry of a head by the SmoothRho of all of them. Does nothing if none has a rho.
void smooth_rho(std::vector<ThresholdEntry>& entries, std::int64_t per_octave);

// A point for each curve of pre-softmax scores whose rows are all longer than k: ln of the mean of e^(s -
// theta) over all elements that theta(mean length) drops. Elements are assumed to be spread evenly over their
// bin. Where rows differ, this mean is above the geometric mean over rows, which curves cannot tell.
std::vector<RhoPoint> rho_points(const std::vector<ScoreCurve>& curves, std::int64_t k,
                                 const std::function<double(double)>& theta);

// Sets the rho of a target that was made from the table's curves (calibration/retarget.hpp), in half-octaves,
// smoothed. If a target of `table` has rho, the one whose k is nearest to the new k tells by what factor the
// geometric mean over rows is below the mean from curves, and the new rho is corrected by that factor. Throws
// UsageError for a table without curves, and for placements that need no SDC.
void fill_rho_from_curves(Target& target, const ThresholdTable& table);

}  // namespace toptheta
