#include "eval/paired.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/normal.hpp"
#include "core/random.hpp"
#include "eval/metrics.hpp"

namespace toptheta {
namespace {

constexpr int kResamples = 2000;

double ratio_of(double difference, double tokens) {
  return difference / tokens;
}

}  // namespace

double mcnemar_p(std::int64_t better, std::int64_t worse) {
  const std::int64_t n = better + worse;
  if (n == 0) return 1;
  const auto log_factorial = [](std::int64_t x) { return std::lgamma(static_cast<double>(x) + 1); };
  double tail = 0;
  for (std::int64_t i = 0; i <= std::min(better, worse); ++i)
    tail += std::exp(log_factorial(n) - log_factorial(i) - log_factorial(n - i) -
                     static_cast<double>(n) * std::log(2.0));
  return std::min(1.0, 2 * tail);
}

ConfidenceInterval wilson_interval(double successes, double n) {
  const double z = kNormal95;
  const double share = successes / n;
  const double scale = 1 + z * z / n;
  const double middle = (share + z * z / (2 * n)) / scale;
  const double half = z / scale * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

ConfidenceInterval interval_around(double value, double standard_error, double confidence) {
  const double half = normal_within(confidence) * standard_error;
  return {value - half, value + half};
}

Measure proportion_of(std::span<const double> values) {
  Measure measure = mean_of(values);
  const auto n = static_cast<double>(values.size());
  measure.interval = wilson_interval(std::round(measure.value * n), n);
  return measure;
}

PairedDifference paired_difference(std::span<const double> values, std::span<const double> reference,
                                   bool proportions, double confidence) {
  std::vector<double> differences;
  differences.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    differences.push_back(values[i] - reference[i]);
  const Measure mean = mean_of(differences);
  PairedDifference result;
  result.value = mean.value;
  result.standard_error = mean.standard_error;
  if (mean.standard_error) result.interval = interval_around(mean.value, *mean.standard_error, confidence);
  if (!proportions) return result;
  result.better = std::ranges::count_if(differences, [](double d) { return d > 0; });
  result.worse = std::ranges::count_if(differences, [](double d) { return d < 0; });
  result.p = mcnemar_p(*result.better, *result.worse);
  return result;
}

PairedDifference bootstrap_difference(std::span<const DocumentSums> documents, std::uint64_t seed,
                                      double confidence) {
  DocumentSums all;
  for (const DocumentSums& one : documents) {
    all.difference += one.difference;
    all.tokens += one.tokens;
  }
  PairedDifference result;
  result.value = ratio_of(all.difference, all.tokens);
  if (documents.size() < 2) return result;
  Random random(seed);
  std::vector<double> resampled;
  for (int r = 0; r < kResamples; ++r) {
    DocumentSums drawn;
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const DocumentSums& one = documents[random.below(documents.size())];
      drawn.difference += one.difference;
      drawn.tokens += one.tokens;
    }
    resampled.push_back(ratio_of(drawn.difference, drawn.tokens));
  }
  const Measure spread = mean_of(resampled);
  result.standard_error = *spread.standard_error * std::sqrt(static_cast<double>(kResamples));
  std::sort(resampled.begin(), resampled.end());
  result.interval = ConfidenceInterval{quantile_of_sorted(resampled, (1 - confidence) / 2),
                                       quantile_of_sorted(resampled, (1 + confidence) / 2)};
  return result;
}

}  // namespace toptheta
