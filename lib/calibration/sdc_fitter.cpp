#include "calibration/sdc_fitter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>

#include "calibration/row_checks.hpp"
#include "calibration/row_threshold.hpp"
#include "calibration/running_row.hpp"
#include "calibration/smooth_rho.hpp"
#include "calibration/state_columns.hpp"
#include "core/error.hpp"
#include "kernels/rows/row_mass.hpp"
#include "theta/between_entries.hpp"

namespace toptheta {

namespace {

// The entry with this LengthBins::key: that of a bin, or of an exact length. Null if there is none.
const ThresholdEntry* entry_of(const std::vector<ThresholdEntry>& cell, std::int32_t key,
                               const LengthBins& bins) {
  const auto found = std::lower_bound(
      cell.begin(), cell.end(), key,
      [&bins](const ThresholdEntry& entry, std::int32_t wanted) { return bins.key(entry.length) < wanted; });
  return found == cell.end() || bins.key(found->length) != key ? nullptr : &*found;
}

// The threshold for rows of this length. Throws InputError if the first pass had none like them.
double require_theta(const std::vector<ThresholdEntry>& cell, std::int32_t length, const LengthBins& bins,
                     const std::string& where) {
  const ThresholdEntry* entry = entry_of(cell, bins.key(length), bins);
  if (entry == nullptr)
    throw InputError(
        {.where = where,
         .what = fmt::format("the second pass has a row of {} keys, but the first pass had none", length),
         .expected = "the same rows in both passes",
         .next = "give the files that the thresholds were fitted from, unchanged"});
  return bins.any() ? interpolated_theta(cell, length) : entry->theta;
}

// Saves one target's statistics: the keys of its entries, and an exact sum as two columns.
template <class Statistics>
void save_sums(hdf5::Group group, const std::vector<ByLength<Statistics>>& cells, ExactSum Statistics::*sum,
               const std::string& name) {
  StateKeys::of(cells).save(group);
  save_state_column(group, name + "_0", cells, [sum](const Statistics& s) { return (s.*sum).high(); });
  save_state_column(group, name + "_1", cells, [sum](const Statistics& s) { return (s.*sum).low(); });
}

template <class Statistics>
void add_sums(const hdf5::Group& group, const std::vector<std::vector<ThresholdEntry>>& entries,
              std::vector<ByLength<Statistics>>& cells, const LengthBins& bins, const std::string& name) {
  const StateKeys keys = StateKeys::load(group, cells.size());
  const auto size = static_cast<std::int64_t>(keys.cell.size());
  const auto high = read_state_column<double>(group, name + "_0", size);
  const auto low = read_state_column<double>(group, name + "_1", size);
  for (std::size_t i = 0; i < keys.cell.size(); ++i) {
    const auto cell = static_cast<std::size_t>(keys.cell[i]);
    if (!bins.is_key(keys.length[i]))
      throw InputError({.where = fmt::format("{}/length[{}]", group.where(), i),
                        .what = "not a bin of row lengths",
                        .found = fmt::format("{}", keys.length[i])});
    (void)require_theta(entries[cell], bins.shortest(keys.length[i]), bins, group.where());
    cells[cell].at(keys.length[i]).merge({keys.count[i], ExactSum::from_parts(high[i], low[i])});
  }
}

// Calls store(entry, statistics) for every length, or length bin, that had rows.
template <class Statistics, class Store>
void fill_cells(Target& target, const std::vector<ByLength<Statistics>>& cells, const LengthBins& bins,
                Store store) {
  for (std::size_t head = 0; head < cells.size(); ++head) {
    auto entry = target.cells[head].begin();
    cells[head].for_each([&](std::int32_t key, const Statistics& statistics) {
      while (bins.key(entry->length) < key)
        ++entry;
      store(*entry, statistics);
    });
  }
}

// Terms of other rows must not stay beside new ones: a law would even outdo the new rho.
void forget(Target& target, const SdcTerms& terms) {
  for (std::vector<ThresholdEntry>& cell : target.cells)
    for (ThresholdEntry& entry : cell) {
      if (terms.offline) entry.sdc = kNotCalibrated;
      if (terms.calibrated) entry.rho = kNotCalibrated;
    }
  if (terms.calibrated) target.rho_laws.clear();
}

constexpr const char* kLaws = "rho_law";

// [heads]; empty where no head has a law.
std::vector<RhoLaw> laws_of(const std::vector<RhoLawStatistics>& heads) {
  std::vector<RhoLaw> laws;
  bool any = false;
  for (const RhoLawStatistics& head : heads) {
    laws.push_back(head.law());
    any = any || laws.back().any();
  }
  return any ? laws : std::vector<RhoLaw>();
}

// What row r of the block adds to the law of its head.
LawRow law_row(const RowBlock& block, std::int64_t r, const RowRange& range, double theta,
               const DroppedScores& dropped) {
  const std::int64_t n = block.lengths[static_cast<std::size_t>(r)];
  const double largest = range.largest;
  const double all = exp_sum(block.row(r), range) + std::exp(static_cast<double>(block.sink) - largest);
  const double m = static_cast<double>(dropped.count) * std::exp(dropped.logarithm + theta - largest);
  return {n, n - dropped.count, dropped.logarithm, std::min(1.0, m / all)};
}

template <class Cells>
void merge_cells(Cells& into, const Cells& from) {
  assert(into.size() == from.size());
  for (std::size_t t = 0; t < into.size(); ++t)
    for (std::size_t head = 0; head < into[t].size(); ++head)
      into[t][head].merge(from[t][head]);
}

}  // namespace

void require_terms(Placement placement, const SdcTerms& terms) {
  if (placement == Placement::pre_softmax) return;
  const std::string found = fmt::format("placement {}", name_of(placement));
  if (terms.offline)
    throw UsageError({.where = "--sdc offline",
                      .what = "the terms of offline SDC belong to thresholds on scores",
                      .expected = "placement pre-softmax",
                      .found = found,
                      .next = "use --sdc calibrated, or calibrate with --placement pre-softmax"});
  if (terms.rho_law)
    throw UsageError(
        {.where = "--rho-law",
         .what = "the law needs the final number of kept keys, which a running softmax does not know yet",
         .expected = "placement pre-softmax",
         .found = found,
         .next = "drop it: rho by itself is what this placement uses"});
}

SdcFitter::SdcFitter(const ThresholdTable& table, const SdcTerms& terms)
    : table_(table), terms_(terms), bins_(table.meta.length_bins) {
  require_terms(table.meta.placement, terms);
  for (const Target& target : table.targets) {
    cells_.emplace_back(target.cells.size());
    rho_cells_.emplace_back(target.cells.size());
    if (terms.rho_law) laws_.emplace_back(target.cells.size());
  }
}

void SdcFitter::add(const RowBlock& block) {
  const std::size_t head = table_.cell_index(block.layer, block.head);
  const std::string where = fmt::format("layer {}, head {}", block.layer, block.head);
  const bool on_scores = table_.meta.placement == Placement::pre_softmax;
  RunningDrops running;
  for (std::int64_t r = 0; r < block.rows(); ++r) {
    const std::int32_t length = block.lengths[static_cast<std::size_t>(r)];
    std::optional<RowRange> range;
    for (std::size_t t = 0; t < table_.targets.size(); ++t) {
      const Target& target = table_.targets[t];
      if (length <= target.k_of(head)) continue;
      if (!range) {
        range = require_row(block, r, Placement::pre_softmax);
        if (!on_scores) running.visit(block.row(r), block.first_key(r), block.sink);
      }
      // Positions kept in any case are never dropped.
      const RowEnds ends = table_.meta.kept.of_row(block.first_key(r), length);
      const auto [key, theta] = entry_for(target.cells[head], length, where);
      if (on_scores)
        add_row(block, r, *range, ends, theta, {t, head, key});
      else
        add_dropped(running.dropped(theta, ends), {t, head, key});
    }
  }
}

SdcFitter::RowEntry SdcFitter::entry_for(const std::vector<ThresholdEntry>& cell, std::int32_t length,
                                         const std::string& where) const {
  const std::int32_t key = bins_.key(length);
  if (!terms_.finished || cell.empty() || entry_of(cell, key, bins_) != nullptr)
    return {key, require_theta(cell, length, bins_, where)};
  const ThresholdEntry& entry = nearest_entry(cell, length);
  return {bins_.key(entry.length), bins_.any() ? interpolated_theta(cell, length) : entry.theta};
}

void SdcFitter::add_row(const RowBlock& block, std::int64_t r, const RowRange& range, const RowEnds& ends,
                        double theta, const Place& place) {
  const std::span<const float> rest = ends.rest_of(block.row(r));
  const double dropped = terms_.offline ? dropped_exponentials(rest, range.largest, theta) : 0;
  const DroppedScores below = terms_.calibrated ? dropped_scores(rest, theta) : DroppedScores{};
  add_dropped(below, place);
  const bool tells_law = terms_.rho_law && below.count > 0 && below.count < std::ssize(rest);
  const LawRow law = tells_law ? law_row(block, r, range, theta, below) : LawRow{};
  const std::lock_guard lock(guards_[place.head % guards_.size()]);
  if (terms_.offline) cells_[place.target][place.head].at(place.key).add(dropped);
  if (tells_law) laws_[place.target][place.head].add(law);
}

void SdcFitter::add_dropped(const DroppedScores& dropped, const Place& place) {
  if (dropped.count == 0) return;
  const std::lock_guard lock(guards_[place.head % guards_.size()]);
  rho_cells_[place.target][place.head].at(place.key).add(dropped.logarithm);
}

void SdcFitter::merge(const SdcFitter& other) {
  merge_cells(cells_, other.cells_);
  merge_cells(rho_cells_, other.rho_cells_);
  merge_cells(laws_, other.laws_);
}

void SdcFitter::save(hdf5::Group& group) const {
  const auto save_all = [&group](const char* name, const auto& cells, auto sum, const char* column) {
    hdf5::Group targets = group.create_group(name);
    for (std::size_t t = 0; t < cells.size(); ++t)
      save_sums(targets.create_group(fmt::format("{}", t)), cells[t], sum, column);
  };
  if (terms_.offline) save_all("targets", cells_, &SdcStatistics::dropped, "dropped");
  if (terms_.calibrated) save_all("rho", rho_cells_, &RhoStatistics::logarithm, "log");
  if (!terms_.rho_law) return;
  hdf5::Group targets = group.create_group(kLaws);
  for (std::size_t t = 0; t < laws_.size(); ++t) {
    hdf5::Group own = targets.create_group(fmt::format("{}", t));
    RhoLawStatistics::save(laws_[t], own);
  }
}

void SdcFitter::add_saved(const hdf5::Group& group) {
  const auto add_all = [&](const char* name, auto& cells, const char* column) {
    const hdf5::Group targets = group.open_group(name);
    for (std::size_t t = 0; t < cells.size(); ++t)
      add_sums(targets.open_group(fmt::format("{}", t)), table_.targets[t].cells, cells[t], bins_, column);
  };
  if (terms_.offline) add_all("targets", cells_, "dropped");
  if (terms_.calibrated) add_all("rho", rho_cells_, "log");
  if (!terms_.rho_law) return;
  const hdf5::Group targets = group.open_group(kLaws);
  for (std::size_t t = 0; t < laws_.size(); ++t)
    RhoLawStatistics::add_saved(targets.open_group(fmt::format("{}", t)), laws_[t]);
}

void SdcFitter::fill(ThresholdTable& table) const {
  assert(table.targets.size() == cells_.size());
  for (std::size_t t = 0; t < cells_.size(); ++t) {
    forget(table.targets[t], terms_);
    fill_cells(table.targets[t], cells_[t], bins_,
               [](ThresholdEntry& entry, const SdcStatistics& s) { entry.sdc = s.mean(); });
    fill_cells(table.targets[t], rho_cells_[t], bins_,
               [](ThresholdEntry& entry, const RhoStatistics& s) { entry.rho = s.rho(); });
    if (terms_.rho_law) table.targets[t].rho_laws = laws_of(laws_[t]);
    if (terms_.rho_bins == 0) continue;
    for (std::vector<ThresholdEntry>& cell : table.targets[t].cells)
      smooth_rho(cell, terms_.rho_bins);
  }
}

}  // namespace toptheta
