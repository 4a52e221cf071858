#include "eval/metrics.hpp"

#include <algorithm>
#include <cmath>

namespace toptheta {

Measure mean_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const double v : values)
    sum += v;
  const double mean = sum / n;
  if (values.size() < 2) return {mean, std::nullopt};
  double squares = 0;
  for (const double v : values)
    squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / (n - 1)) / std::sqrt(n)};
}

Measure root_mean_square_of(std::span<const double> values) {
  std::vector<double> squares;
  squares.reserve(values.size());
  for (const double value : values)
    squares.push_back(value * value);
  const Measure mean_square = mean_of(squares);
  Measure result{std::sqrt(mean_square.value)};
  if (mean_square.standard_error && result.value > 0)
    result.standard_error = 0.5 / result.value * *mean_square.standard_error;
  return result;
}

std::int64_t argmax_of(std::span<const double> values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

double quantile_of_sorted(std::span<const double> sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double share = at - static_cast<double>(below);
  return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

}  // namespace toptheta
