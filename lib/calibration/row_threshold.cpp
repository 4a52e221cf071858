#include "calibration/row_threshold.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/attention/score_rows.hpp"
#include "kernels/rows/row_mass.hpp"

namespace toptheta {

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Sorts indices into k, the largest k first. Rows of one block share their k, so there is usually nothing to
// do.
void order_down(std::span<const std::int64_t> k, std::vector<std::size_t>& order) {
  const auto larger = [k](std::size_t a, std::size_t b) { return k[a] > k[b]; };
  if (order.size() == k.size() && std::is_sorted(order.begin(), order.end(), larger)) return;
  order.resize(k.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), larger);
}

// The largest float that is not above theta. The same floats s satisfy s <= theta for both.
float round_down(double theta) {
  const auto rounded = static_cast<float>(theta);
  return static_cast<double>(rounded) > theta ? std::nextafter(rounded, -kInfinity) : rounded;
}

}  // namespace

std::span<const float> row_thresholds(std::span<const float> row, const RowRange& range,
                                      std::span<const std::int64_t> k, SelectionScratch& scratch,
                                      std::span<float> thresholds) {
  assert(k.size() == thresholds.size());
  order_down(k, scratch.order);
  scratch.ranks.clear();
  for (const std::size_t i : scratch.order) {
    if (k[i] < static_cast<std::int64_t>(row.size())) scratch.ranks.push_back(k[i]);
    thresholds[i] = -kInfinity;
  }
  if (scratch.ranks.empty()) return row;
  scratch.values.resize(scratch.ranks.size());
  const std::span<const float> candidates =
      select_largest(row, range, scratch.ranks, scratch.select, scratch.values);
  const std::size_t dense = k.size() - scratch.ranks.size();  // k of at least the row's length come first
  for (std::size_t i = 0; i < scratch.values.size(); ++i)
    thresholds[scratch.order[dense + i]] = scratch.values[i];
  return candidates;
}

void softmax(std::span<const float> scores, float largest, std::span<float> weights, double beside) {
  std::copy(scores.begin(), scores.end(), weights.begin());
  const double scale = 1 / (exp_in_place(weights, largest) + beside);
  for (float& weight : weights)
    weight = static_cast<float>(weight * scale);
}

double kept_mass_of_scores(std::span<const float> candidates, float threshold, std::int64_t k, float largest,
                           double total) {
  const MassAbove above = exp_sum_above(candidates, threshold, largest);
  const double tie = std::exp(static_cast<double>(threshold) - static_cast<double>(largest));
  // `total` adds the same terms in another order, so the quotient may exceed 1 by rounding.
  return std::min(1.0, (above.sum + static_cast<double>(k - above.count) * tie) / total);
}

double kept_mass_of_weights(std::span<const float> candidates, float threshold, std::int64_t k) {
  const MassAbove above = sum_above(candidates, threshold);
  return above.sum + static_cast<double>(k - above.count) * static_cast<double>(threshold);
}

double dropped_exponentials(std::span<const float> scores, float largest, double theta) {
  return exp_sum_at_most(scores, round_down(theta), largest);
}

DroppedScores dropped_scores(std::span<const float> scores, double theta) {
  const float limit = round_down(theta);
  const std::int64_t dropped = std::ssize(scores) - sum_above(scores, limit).count;
  if (dropped == 0) return {};
  // Terms are taken relative to the largest dropped score, whose own term is 1, so that the sum cannot
  // underflow.
  float largest = -kInfinity;
  for (const float score : scores)
    if (score <= limit) largest = std::max(largest, score);
  const double sum = exp_sum_at_most(scores, limit, largest);
  return {dropped, std::log(sum / static_cast<double>(dropped)) + (static_cast<double>(largest) - theta)};
}

}  // namespace toptheta
