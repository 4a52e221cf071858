#include "calibration/accumulator.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace toptheta {

namespace {

// A product without rounding, as the sum of two doubles.
struct Product {
  double high;
  double low;
};

Product multiply(double a, double b) {
  const double high = a * b;
  return {high, std::fma(a, b, -high)};
}

// (n * squares - sum^2) / n^2, rounded only once. Where the values lie close together, the difference cancels
// almost completely, and equal values must have deviation 0.
double population_variance(double n, const ExactSum& sum, const SquareSum& squares) {
  std::array<double, 12> terms{};
  std::size_t used = 0;
  const auto add = [&](double a, double b) {
    const Product product = multiply(a, b);
    terms[used++] = product.high;
    terms[used++] = product.low;
  };
  add(n, squares.high());
  add(n, squares.middle());
  add(n, squares.low());
  add(-sum.high(), sum.high());
  add(-2 * sum.high(), sum.low());
  add(-sum.low(), sum.low());
  return std::max(0.0, rounded_total(terms) / (n * n));
}

// Rounds to a multiple of 2^-50. The sum of N such values of at most X is exact in two doubles as long as
// N^2 X <= 2^56.
double to_multiple(double value) {
  return std::nearbyint(value * 0x1p50) * 0x1p-50;
}

}  // namespace

void ThresholdStatistics::add(float row_threshold, double row_kept_mass, std::int32_t row_length) {
  ++count;
  lengths += row_length;
  theta.add(static_cast<double>(row_threshold));
  theta_squared.add_square(static_cast<double>(row_threshold));
  kept_mass.add(to_multiple(row_kept_mass));
}

void ThresholdStatistics::merge(const ThresholdStatistics& other) {
  count += other.count;
  lengths += other.lengths;
  theta.merge(other.theta);
  theta_squared.merge(other.theta_squared);
  kept_mass.merge(other.kept_mass);
}

ThresholdEntry ThresholdStatistics::finish(double add_sigma) const {
  const auto n = static_cast<double>(count);
  ThresholdEntry entry;
  entry.length = static_cast<std::int32_t>((2 * lengths + count - 1) / (2 * count));
  entry.count = count;
  entry.std = std::sqrt(population_variance(n, theta, theta_squared));
  entry.theta = theta.value() / n + add_sigma * entry.std;
  entry.kept_mass = kept_mass.value() / n;
  return entry;
}

void SdcStatistics::add(double row_dropped) {
  ++count;
  dropped.add(to_multiple(row_dropped));
}

void SdcStatistics::merge(const SdcStatistics& other) {
  count += other.count;
  dropped.merge(other.dropped);
}

void RhoStatistics::add(double row_logarithm) {
  ++count;
  logarithm.add(to_multiple(row_logarithm));
}

void RhoStatistics::merge(const RhoStatistics& other) {
  count += other.count;
  logarithm.merge(other.logarithm);
}

double RhoStatistics::rho() const {
  return std::exp(logarithm.value() / static_cast<double>(count));
}

}  // namespace toptheta
