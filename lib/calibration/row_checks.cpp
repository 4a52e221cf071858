#include "calibration/row_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace toptheta {

namespace {

// Rounding to a 16-bit format may lift a weight slightly above 1.
bool is_weight(float value) {
  return value >= 0 && value <= 1.01F;
}

std::string place(const RowBlock& block, std::int64_t r, std::size_t key) {
  return fmt::format("layer {}, head {}, row of {} keys, key {}", block.layer, block.head,
                     block.lengths[static_cast<std::size_t>(r)], key);
}

// Finds out what is wrong with a row that was found to be bad, and throws.
void refuse_row(const RowBlock& block, std::int64_t r) {
  const std::span<const float> row = block.row(r);
  const auto place_of = [&](auto found) { return static_cast<std::size_t>(found - row.begin()); };
  const std::size_t bad =
      place_of(std::find_if(row.begin(), row.end(), [](float value) { return !std::isfinite(value); }));
  if (bad < row.size())
    throw InputError({.where = place(block, r, bad),
                      .what = "an attention score is not a finite number",
                      .found = fmt::format("{}", row[bad]),
                      .next = "look for an overflow in the model, or a mask written inside the causal part"});
  const auto found = std::find_if_not(row.begin(), row.end(), is_weight);
  throw InputError({.where = place(block, r, place_of(found)),
                    .what = "not an attention weight",
                    .expected = "weights between 0 and 1, because the placement of the rows is post-softmax",
                    .found = fmt::format("{}", *found),
                    .next = "if these are scores before the softmax, say placement pre-softmax"});
}

}  // namespace

RowRange require_row(const RowBlock& block, std::int64_t r, Placement content) {
  const RowRange range =
      block.ranges.empty() ? row_range(block.row(r)) : block.ranges[static_cast<std::size_t>(r)];
  const bool weights = is_weight(range.smallest) && is_weight(range.largest);
  if (!range.finite || (content == Placement::post_softmax && !block.row(r).empty() && !weights))
    refuse_row(block, r);
  return range;
}

}  // namespace toptheta
