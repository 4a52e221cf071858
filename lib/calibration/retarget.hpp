// Thresholds for any k from curves, without the data: the pooled estimator (docs/calibration.md).
//
// Where the exact estimator averages the rows' own thresholds, this one takes the threshold under which rows
// keep k on average: the spread between rows no longer makes them keep more.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/length_bins.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Throws UsageError, naming `where`, for a table without curves.
void require_curves(const ThresholdTable& table, const std::string& where);

// The row lengths between two that get entries: in a table of length bins the middle of every bin that meets
// the range, cut to it; else every length up to 64 and 32 to the octave beyond, and the longest.
inline constexpr std::int32_t kEntriesPerOctave = 32;
std::vector<std::int32_t> entry_lengths(std::int32_t shortest, std::int32_t longest, const LengthBins& bins);

// One target. Entries stand at entry_lengths() between the shortest and the longest row seen; theta of length
// n is read at k / n of the two neighbouring curves and interpolated along log n. std is 0 (the estimator has
// no row thresholds), count the rows of the nearest curve. Throws UsageError where there are no curves, or no
// row is longer than k. Time: O(entries * log bins).
Target pooled_target(const ThresholdTable& table, std::int64_t k, const std::vector<LayerK>& layer_k);

// The same where every head has a k of its own: [layers * heads], named by their mean. Where the heads of
// each layer agree, the target is one of layers.
Target pooled_target_by_head(const ThresholdTable& table, const std::vector<std::int64_t>& head_k);

// Of a table with curves: every target again from them.
void refit_pooled(ThresholdTable& table, const std::vector<LayerK>& layer_k);

// The k under which all heads together keep this share of the visible elements of the calibration rows (rows
// with n <= k are dense): the nearest whole number. Throws UsageError for no share in (0, 1).
std::int64_t k_of_kept_fraction(const ThresholdTable& table, double fraction);
// The smallest k at which the mean over heads and rows of the kept mass is at least this.
std::int64_t k_of_kept_mass(const ThresholdTable& table, double mass);

}  // namespace toptheta
