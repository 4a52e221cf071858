// Thresholds for any k from curves, without the data: the pooled estimator (docs/calibration.md).
//
// The exact estimator averages the rows' own thresholds, under which rows that differ keep more than k on
// average. The pooled estimator takes the threshold under which rows keep k on average.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "theta/length_bins.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Throws UsageError, naming `where`, for a table without curves.
void require_curves(const ThresholdTable& table, const std::string& where);

// The row lengths from `shortest` to `longest` that get entries. With length bins: for every bin that
// overlaps the range, the middle of the overlap. Without: every length up to 64, 32 per octave beyond, and
// the longest.
inline constexpr std::int32_t kEntriesPerOctave = 32;
std::vector<std::int32_t> entry_lengths(std::int32_t shortest, std::int32_t longest, const LengthBins& bins);

// Makes one target. It has entries at entry_lengths() from the shortest row longer than k to the longest row
// seen. Theta for length n is read where the two neighbouring curves have the share k / n of their elements
// above it, and interpolated along log n. `std` is 0, since this estimator has no thresholds of single rows;
// `count` is the number of rows of the nearest curve. Throws UsageError if there are no curves or no row is
// longer than k. Time: O(entries * log bins).
Target pooled_target(const ThresholdTable& table, std::int64_t k, const std::vector<LayerK>& layer_k);

// The same where every head has its own k, [layers * heads]. The target is named by the mean of these. If all
// heads of each layer agree, it becomes a target with one k per layer.
Target pooled_target_by_head(const ThresholdTable& table, const std::vector<std::int64_t>& head_k);

// Replaces every target of a table with curves by pooled_target().
void refit_pooled(ThresholdTable& table, const std::vector<LayerK>& layer_k);

// The whole number k under which all heads together most nearly keep this share of the visible elements of
// the calibration rows. Throws UsageError for a share outside (0, 1), or a table without curves.
std::int64_t k_of_kept_fraction(const ThresholdTable& table, double fraction);
// The smallest k under which the kept softmax mass, averaged over heads and rows, is at least `mass`. Throws
// likewise.
std::int64_t k_of_kept_mass(const ThresholdTable& table, double mass);

}  // namespace toptheta
