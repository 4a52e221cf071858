#include "calibration/row_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/row_threshold.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

// A weight may be above 1 by the rounding of a 16-bit format.
bool is_weight(float value) {
  return value >= 0 && value <= 1.01F;
}

std::string place(const RowBlock& block, std::int64_t r, std::size_t key) {
  return fmt::format("layer {}, head {}, row of {} keys, key {}", block.layer, block.head,
                     block.lengths[static_cast<std::size_t>(r)], key);
}

}  // namespace

void require_row(const RowBlock& block, std::int64_t r, Placement content) {
  const std::span<const float> row = block.row(r);
  const std::size_t bad = first_not_finite(row);
  if (bad < row.size())
    throw InputError({.where = place(block, r, bad),
                      .what = "an attention score is not a finite number",
                      .found = fmt::format("{}", row[bad]),
                      .next = "look for an overflow in the model, or a mask written inside the causal part"});
  if (content != Placement::post_softmax) return;
  const auto found = std::find_if_not(row.begin(), row.end(), is_weight);
  if (found != row.end())
    throw InputError({.where = place(block, r, static_cast<std::size_t>(found - row.begin())),
                      .what = "not an attention weight",
                      .expected = "weights between 0 and 1: the rows are said to be taken after the softmax",
                      .found = fmt::format("{}", *found),
                      .next = "if these are scores before the softmax, say placement pre-softmax"});
}

}  // namespace toptheta
