// The thresholds of a row under running-softmax placement, one for each tile in which it is visited, from the
// whole row of scores (docs/method.md, "Running softmax").
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/row_attention.hpp"
#include "core/log_sum.hpp"
#include "core/running_tiles.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

void running_thresholds(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                        float largest, double denominator, std::vector<float>& thresholds) {
  const std::int64_t first_tile = first_key / kRunningTile;
  const std::int64_t last_tile = (first_key + std::ssize(scores) - 1) / kRunningTile;
  thresholds.resize(static_cast<std::size_t>(last_tile - first_tile + 1));
  double sum = sink_term(rule, largest);
  for_each_running_tile(first_key, std::ssize(scores), [&](std::int64_t begin, std::int64_t end) {
    sum += exp_sum(scores.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                   largest);
    thresholds[static_cast<std::size_t>((first_key + begin) / kRunningTile - first_tile)] =
        score_threshold(rule.theta, largest, std::min(sum, denominator));
  });
}

namespace {

// What a tile between the ends of a row adds to the denominator for the keys that it keeps, as the logarithm
// of their sum, and how many it drops. `begin` is where the tile begins in the row.
struct DecidedTile {
  double log_kept = -std::numeric_limits<double>::infinity();
  std::int64_t dropped = 0;
};
DecidedTile decide_tile(std::span<const float> tile, std::int64_t begin, std::int64_t n, const RowRule& rule,
                        float threshold) {
  const auto largest = static_cast<double>(row_max(tile));
  DecidedTile decided;
  double sum = 0;
  for (std::int64_t j = 0; j < std::ssize(tile); ++j) {
    const float score = tile[static_cast<std::size_t>(j)];
    const bool always = begin + j < rule.keep_first || begin + j >= n - rule.keep_recent;
    if (always || score > threshold)
      sum += std::exp(static_cast<double>(score) - largest);
    else
      ++decided.dropped;
  }
  decided.log_kept = largest + std::log(sum);
  return decided;
}

}  // namespace

double estimated_thresholds(std::span<const float> scores, const RowRule& rule, std::int64_t first_key,
                            std::vector<float>& thresholds) {
  const std::int64_t n = std::ssize(scores);
  const std::int64_t first_tile = first_key / kRunningTile;
  thresholds.resize(static_cast<std::size_t>((first_key + n - 1) / kRunningTile - first_tile + 1));
  // A dropped key is estimated at this share of the denominator known before its tile, because the threshold
  // is at a share of theta.
  const double share = static_cast<double>(rule.sdc_scale) * static_cast<double>(rule.rho) *
                       static_cast<double>(std::max(rule.theta, 0.0F));
  auto log_sum = static_cast<double>(rule.sink);
  int visited = 0;
  for_each_running_tile(first_key, n, [&](std::int64_t begin, std::int64_t end) {
    const auto tile = scores.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    const std::int64_t index = (first_key + begin) / kRunningTile - first_tile;
    const bool read = visited++ < kTilesRead;
    if (read) {
      const float largest = row_max(tile);
      log_sum = log_of_sum(log_sum, static_cast<double>(largest) + std::log(exp_sum(tile, largest)));
    }
    float& threshold = thresholds[static_cast<std::size_t>(index)];
    threshold = rule.theta > 0 ? static_cast<float>(log_sum + std::log(static_cast<double>(rule.theta)))
                               : -std::numeric_limits<float>::infinity();
    if (read) return;
    const DecidedTile decided = decide_tile(tile, begin, n, rule, threshold);
    if (decided.dropped > 0) log_sum += std::log1p(share * static_cast<double>(decided.dropped));
    log_sum = log_of_sum(log_sum, decided.log_kept);
  });
  return log_sum;
}

}  // namespace toptheta
