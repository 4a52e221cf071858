#include "calibration/sdc_fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <optional>

#include "calibration/row_checks.hpp"
#include "calibration/row_threshold.hpp"
#include "calibration/state_columns.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

// The threshold of rows of exactly this length.
const ThresholdEntry& require_length(const std::vector<ThresholdEntry>& cell, std::int32_t length,
                                     const std::string& where) {
  const auto found = std::lower_bound(
      cell.begin(), cell.end(), length,
      [](const ThresholdEntry& entry, std::int32_t wanted) { return entry.length < wanted; });
  if (found == cell.end() || found->length != length)
    throw InputError(
        {.where = where,
         .what = fmt::format("a row of {} keys in the second pass, but none in the first", length),
         .expected = "the same rows in both passes",
         .next = "give the files that the thresholds were fitted from, unchanged"});
  return *found;
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
  const std::string where = fmt::format("layer {}, head {}", block.layer, block.head);
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const std::int32_t length = block.lengths[static_cast<std::size_t>(r)];
    std::optional<RowRange> range;
    for (std::size_t t = 0; t < table_.targets.size(); ++t) {
      const Target& target = table_.targets[t];
      if (length <= target.k_of(head)) continue;
      if (!range) range = require_row(block, r, Placement::pre_softmax);
      const double theta = require_length(target.cells[head], length, where).theta;
      const double dropped = dropped_exponentials(block.row(r), range->largest, theta);
      const std::lock_guard lock(guards_[head % guards_.size()]);
      cells_[t][head].at(length).add(dropped);
    }
  }
}

void SdcFitter::merge(const SdcFitter& other) {
  assert(cells_.size() == other.cells_.size());
  for (std::size_t t = 0; t < cells_.size(); ++t)
    for (std::size_t head = 0; head < cells_[t].size(); ++head)
      cells_[t][head].merge(other.cells_[t][head]);
}

void SdcFitter::save(hdf5::Group& group) const {
  hdf5::Group targets = group.create_group("targets");
  for (std::size_t t = 0; t < cells_.size(); ++t) {
    hdf5::Group target = targets.create_group(fmt::format("{}", t));
    StateKeys::of(cells_[t]).save(target);
    save_state_column(target, "dropped_0", cells_[t],
                      [](const SdcStatistics& s) { return s.dropped.high(); });
    save_state_column(target, "dropped_1", cells_[t], [](const SdcStatistics& s) { return s.dropped.low(); });
  }
}

void SdcFitter::add_saved(const hdf5::Group& group) {
  const hdf5::Group targets = group.open_group("targets");
  for (std::size_t t = 0; t < cells_.size(); ++t) {
    const hdf5::Group target = targets.open_group(fmt::format("{}", t));
    const StateKeys keys = StateKeys::load(target, cells_[t].size());
    const auto size = static_cast<std::int64_t>(keys.cell.size());
    const auto high = read_state_column<double>(target, "dropped_0", size);
    const auto low = read_state_column<double>(target, "dropped_1", size);
    for (std::size_t i = 0; i < keys.cell.size(); ++i) {
      const auto cell = static_cast<std::size_t>(keys.cell[i]);
      require_length(table_.targets[t].cells[cell], keys.length[i], target.where());
      cells_[t][cell].at(keys.length[i]).merge({keys.count[i], ExactSum::from_parts(high[i], low[i])});
    }
  }
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
