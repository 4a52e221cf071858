// Length smoothing: thresholds for lengths that calibration never saw, and less noise along the length.
#pragma once
#include "theta/table.hpp"

namespace toptheta {

// A table with an entry for every length between the shortest and the longest calibrated one, per target,
// layer and head. Missing lengths are interpolated linearly and have count 0; then theta, and the SDC terms
// and rho where they are calibrated, are averaged along the length with Gaussian weights of standard
// deviation `sigma` (in positions, cut off at 4 sigma, renormalised at the ends so that constants stay
// constant). Standard deviations and kept mass are interpolated but not averaged: they describe what was
// measured. sigma = 0 only interpolates. The estimator's name says that the table was smoothed.
//
// Throws UsageError unless sigma is finite and not negative, InputError if there would be more than 2^25
// entries. Time: lengths * 8 sigma per head.
ThresholdTable smooth_lengths(const ThresholdTable& table, double sigma);

}  // namespace toptheta
