#include "core/exact_sum.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace toptheta {

namespace {

// Adds the parts from the largest down. Where the exact sum lies half-way between two doubles, two_sum has
// rounded to even; the sign of the next smaller part says whether the other double is nearer.
double rounded(const std::vector<double>& parts) {
  if (parts.empty()) return 0;
  std::size_t i = parts.size() - 1;
  double high = parts[i];
  double low = 0;
  while (i > 0 && low == 0) {
    const TwoSum sum = two_sum(high, parts[--i]);
    high = sum.sum;
    low = sum.rest;
  }
  if (i > 0 && low != 0 && (low < 0) == (parts[i - 1] < 0)) {
    const double twice = 2 * low;
    const double candidate = high + twice;
    if (twice == candidate - high) return candidate;
  }
  return high;
}

}  // namespace

double rounded_total(std::span<const double> values) {
  std::vector<double> parts;  // in increasing magnitude; no two share bits
  for (double value : values) {
    std::size_t used = 0;
    for (double part : parts) {
      if (std::fabs(value) < std::fabs(part)) std::swap(value, part);
      const TwoSum sum = two_sum(value, part);
      if (sum.rest != 0) parts[used++] = sum.rest;
      value = sum.sum;
    }
    parts.resize(used);
    if (value != 0) parts.push_back(value);
  }
  return rounded(parts);
}

}  // namespace toptheta
