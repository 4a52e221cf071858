#include "calibration/row_threshold.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace toptheta {

void row_thresholds(std::span<const float> row, std::span<const std::int64_t> k, SelectionScratch& scratch,
                    std::span<float> thresholds) {
  assert(k.size() == thresholds.size());
  scratch.order.resize(k.size());
  std::iota(scratch.order.begin(), scratch.order.end(), std::size_t{0});
  std::sort(scratch.order.begin(), scratch.order.end(),
            [k](std::size_t a, std::size_t b) { return k[a] > k[b]; });
  scratch.values.assign(row.begin(), row.end());

  // From the largest k down: after a selection at k, the k + 1 largest values stand in front, so that the
  // next selection has only those to look at.
  auto end = scratch.values.end();
  for (const std::size_t i : scratch.order) {
    if (k[i] >= static_cast<std::int64_t>(row.size())) {
      thresholds[i] = -std::numeric_limits<float>::infinity();
      continue;
    }
    const auto nth = scratch.values.begin() + k[i];
    std::nth_element(scratch.values.begin(), nth, end, std::greater<>());
    thresholds[i] = *nth;
    end = nth + 1;
  }
}

double exponentials(std::span<const float> row, std::span<float> weights) {
  const float largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (std::size_t j = 0; j < row.size(); ++j) {
    weights[j] = std::exp(row[j] - largest);
    sum += static_cast<double>(weights[j]);
  }
  return sum;
}

void softmax(std::span<const float> scores, std::span<float> weights) {
  const double scale = 1 / exponentials(scores, weights);
  for (float& weight : weights)
    weight = static_cast<float>(weight * scale);
}

double kept_weight(std::span<const float> row, std::span<const float> weights, float threshold,
                   std::int64_t k) {
  double sum = 0;
  double weight_of_tie = 0;
  std::int64_t above = 0;
  // Without branches: which values are above is random to the processor, and wrong guesses would cost the
  // most here.
  for (std::size_t j = 0; j < row.size(); ++j) {
    const bool is_above = row[j] > threshold;
    sum += static_cast<double>(is_above ? weights[j] : 0.0F);
    above += is_above ? 1 : 0;
    weight_of_tie = row[j] == threshold ? static_cast<double>(weights[j]) : weight_of_tie;
  }
  return sum + static_cast<double>(k - above) * weight_of_tie;
}

double dropped_exponentials(std::span<const float> scores, double theta) {
  const float largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores)
    if (static_cast<double>(score) <= theta) sum += static_cast<double>(std::exp(score - largest));
  return sum;
}

std::size_t first_not_finite(std::span<const float> row) {
  const auto found = std::find_if(row.begin(), row.end(), [](float value) { return !std::isfinite(value); });
  return static_cast<std::size_t>(found - row.begin());
}

}  // namespace toptheta
