// Quantiles of the normal distribution.
#pragma once
#include <cmath>

namespace toptheta {

// The central 95% of a normal distribution lies within this many standard deviations of its mean.
inline constexpr double kNormal95 = 1.959963984540054;

// The same for another share, 0 < share < 1, by bisection.
inline double normal_within(double share) {
  if (share == 0.95) return kNormal95;
  double low = 0;
  double high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erfc(middle / std::sqrt(2.0)) > 1 - share ? low : high) = middle;
  }
  return low;
}

}  // namespace toptheta
