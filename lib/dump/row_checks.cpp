#include "dump/row_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "kernels/rows/select.hpp"

namespace toptheta {

namespace {

// What programs write over the scores that a mask hides, or add to them: the lowest number of float16,
// bfloat16 or float32, or one of the powers of ten below, which bfloat16 rounds by up to 1/256.
bool is_mask(float score) {
  constexpr float kPowers[] = {-1e9F, -1e10F, -1e20F, -1e30F};
  return score == -65504.0F || score == -0x1.FEp127F || score == std::numeric_limits<float>::lowest() ||
         std::ranges::any_of(kPowers, [score](float mask) { return std::fabs(score - mask) <= -mask / 256; });
}

// A mask inside the causal part would be taken for a score, and thresholds for its number.
void require_no_mask(const RowBlock& block, std::span<const std::int64_t> row_numbers,
                     const std::string& where) {
  const auto masked = std::find_if(block.ranges.begin(), block.ranges.end(),
                                   [](const RowRange& range) { return is_mask(range.smallest); });
  if (masked == block.ranges.end()) return;
  const auto r = masked - block.ranges.begin();
  const std::span<const float> row = block.row(r);
  const auto key = std::find(row.begin(), row.end(), masked->smallest) - row.begin();
  throw InputError(
      {.where = where,
       .what = "a mask in place of a score",
       .expected = fmt::format("scores for key positions 0 to {} of this row", row.size() - 1),
       .found = fmt::format("{} at head {}, row {} (query position {}), key position {}", masked->smallest,
                            block.head, row_numbers[static_cast<std::size_t>(r)], row.size() - 1, key),
       .next = "write the scores before the mask is added, or leave layers with another mask out"});
}

}  // namespace

void require_finite(RowBlock& block, std::span<const std::int64_t> row_numbers, const std::string& where,
                    std::vector<RowRange>& ranges) {
  if (block.ranges.empty()) {
    ranges.clear();
    for (std::int64_t r = 0; r < block.rows(); ++r)
      ranges.push_back(row_range(block.row(r)));
    block.ranges = ranges;
  }
  const auto bad = std::find_if_not(block.ranges.begin(), block.ranges.end(),
                                    [](const RowRange& range) { return range.finite; });
  if (bad == block.ranges.end()) return require_no_mask(block, row_numbers, where);
  const auto r = bad - block.ranges.begin();
  const std::span<const float> row = block.row(r);
  const auto key =
      std::find_if_not(row.begin(), row.end(), [](float value) { return std::isfinite(value); }) -
      row.begin();
  throw InputError(
      {.where = where,
       .what = "a score is not a finite number",
       .expected = fmt::format("finite scores for key positions 0 to {} of this row", row.size() - 1),
       .found = fmt::format("{} at head {}, row {} (query position {}), key position {}",
                            row[static_cast<std::size_t>(key)], block.head,
                            row_numbers[static_cast<std::size_t>(r)], row.size() - 1, key)});
}

}  // namespace toptheta
