// Compares two calibrations of one model, head by head, and tells which heads should be calibrated again.
// docs/calibration.md, "Drift".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// How one head differs between tables a and b under one k. Figures that cannot be computed are NaN.
struct HeadDrift {
  std::int64_t k = 0;
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t lengths = 0;  // row lengths compared: those of a that have one of b within 1/32 of them
  double difference = kNotCalibrated;       // mean over these lengths of d = theta_b - theta_a
  double standard_errors = kNotCalibrated;  // root mean square of d over its standard error
  // Mean over these lengths of the relative change of the softmax weight at the threshold, in either
  // direction: e^|d| - 1 for pre-softmax thresholds, else |d| / the smaller theta.
  double weight_change = kNotCalibrated;
  // From curves: the elements that a's thresholds keep of b's calibration rows over those that b's own
  // thresholds keep, and the same with a and b exchanged.
  double a_on_b = kNotCalibrated;
  double b_on_a = kNotCalibrated;
  // Kolmogorov-Smirnov distance between the distributions of values; mean over the length bins in both.
  double distance = kNotCalibrated;
  bool recalibrate = false;
};

// Compares every head under every k in `k` (empty: every k that both tables have, in a's order); results are
// ordered by k, layer and head. A head needs recalibration if, by the curves, the number of kept elements
// changes by more than the share `tolerance` in either direction. Without curves, it needs recalibration if
// the softmax weight at the threshold changes by more than that share, and the difference is more than three
// standard errors where these are known. Throws InputError naming b's path for another model shape, placement
// or other positions kept in any case; UsageError if there is no common k, or for a k that a table lacks.
std::vector<HeadDrift> drift_between(const ThresholdTable& a, const std::string& path_a,
                                     const ThresholdTable& b, const std::string& path_b,
                                     const std::vector<std::int64_t>& k, double tolerance);

// The Kolmogorov-Smirnov distance of two curves of one length bin: the largest difference between their
// cumulative distributions at the bins' edges.
double kolmogorov_smirnov(const ScoreCurve& a, const ScoreCurve& b);

}  // namespace toptheta
