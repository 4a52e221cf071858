#include "calibration/running_row.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/log_sum.hpp"
#include "core/running_tiles.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

double sink_exponential(float sink, float largest) {
  return std::isinf(sink) ? 0 : std::exp(static_cast<double>(sink) - static_cast<double>(largest));
}

void RunningRow::weigh(std::span<const float> scores, std::int64_t first_key, float sink) {
  ends_ = {};
  values_.resize(scores.size());
  tiles_.clear();
  double log_sum = static_cast<double>(sink);
  for_each_running_tile(first_key, std::ssize(scores), [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin);
    const auto size = static_cast<std::size_t>(end - begin);
    const std::span<const float> tile = scores.subspan(first, size);
    const std::span<float> values = std::span(values_).subspan(first, size);
    const RowRange range = row_range(tile);
    const RowExponentials found = exponentials(tile, range, values);
    const auto largest = static_cast<double>(range.largest);
    log_sum = log_of_sum(log_sum, largest + std::log(found.sum));
    const double scale = found.unit * std::exp(largest - log_sum);
    for (float& value : values)
      value = static_cast<float>(static_cast<double>(value) * scale);
    tiles_.push_back({first, first + size, log_sum, 0});
  });
  for (Tile& tile : tiles_)
    tile.share = std::exp(tile.log_sum - log_sum);
}

RowEnds RunningRow::ends_of(const Tile& tile) const {
  const std::size_t first = std::clamp(ends_.first, tile.begin, tile.end) - tile.begin;
  const std::size_t recent = tile.end - std::clamp(values_.size() - ends_.recent, tile.begin, tile.end);
  return {first, recent};
}

MassAbove RunningRow::above(float threshold) const {
  MassAbove all;
  for (const Tile& tile : tiles_) {
    const RowEnds ends = ends_of(tile);
    MassAbove own = sum_above(ends.rest_of(of(tile)), threshold);
    ends.for_each(of(tile), [&own](float value) { own.sum += static_cast<double>(value); });
    all.sum += own.sum * tile.share;
    all.count += own.count + ends.count();
  }
  return all;
}

double RunningRow::kept_mass(float threshold, std::int64_t k) const {
  const MassAbove larger = above(threshold);
  double tied = 0;
  std::int64_t ties = 0;
  for (const Tile& tile : tiles_) {
    const std::span<const float> values = ends_of(tile).rest_of(of(tile));
    const auto equal = std::count(values.begin(), values.end(), threshold);
    ties += equal;
    tied += static_cast<double>(equal) * static_cast<double>(threshold) * tile.share;
  }
  const double share = ties > 0 ? static_cast<double>(k - larger.count) / static_cast<double>(ties) : 0;
  return std::min(1.0, larger.sum + share * tied);
}

void RunningDrops::visit(std::span<const float> scores, std::int64_t first_key, float sink) {
  scores_ = scores;
  between_.clear();
  auto log_sum = static_cast<double>(sink);
  int visited = 0;
  for_each_running_tile(first_key, std::ssize(scores), [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin);
    const auto last = static_cast<std::size_t>(end);
    if (visited++ >= kTilesRead) between_.push_back({first, last, log_sum});
    const std::span<const float> tile = scores.subspan(first, last - first);
    const RowRange range = row_range(tile);
    log_sum = log_of_sum(log_sum, static_cast<double>(range.largest) + std::log(exp_sum(tile, range)));
  });
}

DroppedScores RunningDrops::dropped(double theta, const RowEnds& ends) const {
  if (!(theta > 0)) return {};
  DroppedScores all;
  double sum = -std::numeric_limits<double>::infinity();    // ln of the sum over dropped s of e^s
  double limit = -std::numeric_limits<double>::infinity();  // the same if each were at its tile's threshold
  for (const Tile& tile : between_) {
    const std::size_t begin = std::max(tile.begin, ends.first);
    const std::size_t end = std::min(tile.end, scores_.size() - ends.recent);
    if (begin >= end) continue;
    const double threshold = tile.log_before + std::log(theta);
    const DroppedScores own = dropped_scores(scores_.subspan(begin, end - begin), threshold);
    if (own.count == 0) continue;
    const double at_threshold = threshold + std::log(static_cast<double>(own.count));
    sum = log_of_sum(sum, at_threshold + own.logarithm);
    limit = log_of_sum(limit, at_threshold);
    all.count += own.count;
  }
  // No dropped score is above its threshold.
  if (all.count > 0) all.logarithm = std::min(sum - limit, 0.0);
  return all;
}

}  // namespace toptheta
