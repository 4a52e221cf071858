// Sums of exponentials that are known by their logarithms.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

namespace toptheta {

// ln(e^a + e^b). Either or both may be -infinity, which stands for a sum of 0.
inline double log_of_sum(double a, double b) {
  const double larger = std::max(a, b);
  if (larger == -std::numeric_limits<double>::infinity()) return larger;
  return larger + std::log1p(std::exp(std::min(a, b) - larger));
}

}  // namespace toptheta
