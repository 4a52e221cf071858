#include "calibrate/drawn_rows.hpp"

#include <algorithm>

namespace toptheta {

namespace {

constexpr std::uint64_t kShortSeed = 0x9E3779B97F4A7C15;  // makes the short rows' draw differ from the long's

}  // namespace

DrawnRows::DrawnRows(const CalibrationOptions& options, std::int64_t smallest_k, bool curves)
    : smallest_k_(smallest_k), long_(options.row_fraction, options.seed, smallest_k) {
  if (curves && options.curves) short_.emplace(options.row_fraction, options.seed ^ kShortSeed, 0);
}

std::vector<std::int32_t> DrawnRows::draw(std::span<const std::int32_t> lengths) {
  std::vector<std::int32_t> drawn;
  const auto take = [&](RowSampler& sampler, std::span<const std::int32_t> from) {
    for (const std::int64_t row : sampler.draw(from))
      drawn.push_back(from[static_cast<std::size_t>(row)]);
  };
  if (short_) {
    const auto first_long = std::upper_bound(lengths.begin(), lengths.end(), smallest_k_);
    take(*short_, lengths.first(static_cast<std::size_t>(first_long - lengths.begin())));
  }
  take(long_, lengths);
  return drawn;
}

}  // namespace toptheta
