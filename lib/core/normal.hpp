// The normal distribution, as far as it is needed.
#pragma once
#include <cmath>

namespace toptheta {

// Standard deviations on either side of the mean that hold 95%.
inline constexpr double kNormal95 = 1.959963984540054;

// Those that hold this share; above 0, below 1.
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
