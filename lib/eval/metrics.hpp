// The numbers an evaluation reports (docs/method.md, "Metrics"), from what was observed token by token or
// example by example. Sums are in double.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// Mean with standard error sd / sqrt(n), sd with n - 1 in its denominator; no error for fewer than two
// values. Requires at least one value.
Measure mean_of(std::span<const double> values);

// Root of the mean square, its error to first order from that of the mean square.
Measure root_mean_square_of(std::span<const double> values);

// Quantile by linear interpolation between order statistics (numpy's default). `sorted` ascending, not empty.
double quantile_of_sorted(std::span<const double> sorted, double fraction);

// First index of the largest value.
std::int64_t argmax_of(std::span<const double> values);

}  // namespace toptheta
