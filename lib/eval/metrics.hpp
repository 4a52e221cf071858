// Statistics over the values of tokens or examples that an evaluation reports. Sums are in double.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// The mean with its standard error sd / sqrt(n), where sd is the sample standard deviation (n - 1 in the
// denominator); no error for a single value. Requires at least one value.
Measure mean_of(std::span<const double> values);

// The root of the mean square. Its error follows from that of the mean square to first order. Requires at
// least one value.
Measure root_mean_square_of(std::span<const double> values);

// A quantile by linear interpolation between order statistics (numpy's default). `sorted` must be ascending
// and not empty.
double quantile_of_sorted(std::span<const double> sorted, double fraction);

// The first index of the largest value.
std::int64_t argmax_of(std::span<const double> values);

}  // namespace toptheta
