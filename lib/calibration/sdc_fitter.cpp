#include "calibration/sdc_fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <optional>

#include "calibration/row_checks.hpp"
#include "calibration/row_threshold.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

// Theta of rows of exactly this length.
double theta_of_length(const ThresholdTable& table, const Target& target, const RowBlock& block,
                       std::int32_t length) {
  const std::vector<ThresholdEntry>& cell = target.cells[table.cell_index(block.layer, block.head)];
  const auto found = std::lower_bound(
      cell.begin(), cell.end(), length,
      [](const ThresholdEntry& entry, std::int32_t wanted) { return entry.length < wanted; });
  if (found == cell.end() || found->length != length)
    throw InputError(
        {.where = fmt::format("layer {}, head {}", block.layer, block.head),
         .what = fmt::format("a row of {} keys in the second pass, but none in the first", length),
         .expected = "the same rows in both passes",
         .next = "give the files that the thresholds were fitted from, unchanged"});
  return found->theta;
}

}  // namespace

SdcFitter::SdcFitter(const ThresholdTable& table) : table_(table) {
  if (table.meta.placement != Placement::pre_softmax)
    throw UsageError({.where = "offline SDC",
                      .what = "compensates thresholds before the softmax",
                      .expected = "a table with placement pre-softmax",
                      .found = "placement post-softmax, which has the full denominator already",
                      .next = "leave offline SDC out, or calibrate with --placement pre-softmax"});
  for (const Target& target : table.targets)
    cells_.emplace_back(target.cells.size());
}

void SdcFitter::add(const RowBlock& block) {
  const std::size_t head = table_.cell_index(block.layer, block.head);
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const std::int32_t length = block.lengths[static_cast<std::size_t>(r)];
    std::optional<RowRange> range;
    for (std::size_t t = 0; t < table_.targets.size(); ++t) {
      const Target& target = table_.targets[t];
      if (length <= target.layer_k[static_cast<std::size_t>(block.layer)]) continue;
      if (!range) range = require_row(block, r, Placement::pre_softmax);
      const double theta = theta_of_length(table_, target, block, length);
      cells_[t][head].at(length).add(dropped_exponentials(block.row(r), range->largest, theta));
    }
  }
}

void SdcFitter::merge(const SdcFitter& other) {
  assert(cells_.size() == other.cells_.size());
  for (std::size_t t = 0; t < cells_.size(); ++t)
    for (std::size_t head = 0; head < cells_[t].size(); ++head)
      cells_[t][head].merge(other.cells_[t][head]);
}

void SdcFitter::fill(ThresholdTable& table) const {
  assert(table.targets.size() == cells_.size());
  for (std::size_t t = 0; t < cells_.size(); ++t) {
    for (std::size_t head = 0; head < cells_[t].size(); ++head) {
      auto entry = table.targets[t].cells[head].begin();
      cells_[t][head].for_each([&entry](std::int32_t length, const SdcStatistics& statistics) {
        while (entry->length < length)
          ++entry;
        entry->sdc = statistics.mean();
      });
    }
  }
}

}  // namespace toptheta
