// Length smoothing: fills in thresholds for lengths that calibration never saw, and averages out noise along
// the length.
#pragma once
#include "theta/table.hpp"

namespace toptheta {

// Returns a table that has, per target, layer and head, an entry for every length between the shortest and
// the longest calibrated one. Missing lengths are interpolated linearly and get count 0. Then theta, and the
// SDC terms and rho where they are calibrated, are averaged along the length with Gaussian weights of
// standard deviation `sigma`, in positions. The weights are cut off at 4 sigma and renormalised at the ends,
// so that constants stay constant. Standard deviations and kept mass are interpolated but not averaged,
// because they describe what was measured. sigma = 0 only interpolates. The estimator's name then says that
// the table was smoothed, and the table has no length bins. A law for rho belongs to the thresholds that it
// was fitted with: averaging (sigma > 0) drops it, and interpolating keeps it.
//
// Throws UsageError unless sigma is finite and not negative, and InputError if the result would have more
// than 2^25 entries. Time: lengths * 8 sigma per head.
ThresholdTable smooth_lengths(const ThresholdTable& table, double sigma);

}  // namespace toptheta
