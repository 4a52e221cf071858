// How far two calibrations of one model are apart, head by head, and which heads need a new one.
// docs/calibration.md, "Drift".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// One head under one k. NaN where it cannot be said.
struct HeadDrift {
  std::int64_t k = 0;
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t lengths = 0;  // calibrated row lengths of a with one of b beside them (at most 1/32 off)
  double difference = kNotCalibrated;       // mean over them of theta_b - theta_a
  double standard_errors = kNotCalibrated;  // root mean square of the difference over its standard error
  // Mean over them of the relative change of the softmax weight at the threshold, up or down: e^|d| - 1
  // before the softmax, |d| / the smaller theta after it.
  double weight_change = kNotCalibrated;
  // From curves: what a's thresholds keep of b's calibration rows over what b's own keep, and the other way
  // round.
  double a_on_b = kNotCalibrated;
  double b_on_a = kNotCalibrated;
  // Kolmogorov-Smirnov distance of all values, mean over the length bins that both have.
  double distance = kNotCalibrated;
  bool recalibrate = false;
};

// `tolerance`: a head needs recalibration where kept elements change by more than this share, in either
// direction, by the curves; where neither table has curves for it, where the softmax weight at the threshold
// changes by more than this share and the difference is more than three standard errors (where these are
// known). For every k that both have, by k in a's order, layer and head. Throws InputError naming b's path
// for another shape or placement, UsageError without a common k, or naming a k that one of them has not.
// `k`: only these; empty: all common ones.
std::vector<HeadDrift> drift_between(const ThresholdTable& a, const std::string& path_a,
                                     const ThresholdTable& b, const std::string& path_b,
                                     const std::vector<std::int64_t>& k, double tolerance);

// Of two curves of one length bin: the largest difference of their distribution functions at bin edges.
double kolmogorov_smirnov(const ScoreCurve& a, const ScoreCurve& b);

}  // namespace toptheta
