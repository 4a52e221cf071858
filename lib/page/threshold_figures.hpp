// A threshold table as figures, and its health in words.
#pragma once
#include <string>
#include <vector>

#include "page/figure.hpp"
#include "theta/table.hpp"

namespace toptheta::page {

// Thresholds and their spread of every head, for one target.
Figure threshold_maps(const ThresholdTable& table, const Target& target);
// Thresholds against the row length, a chart for each layer and a line for each target, with the spread
// between rows. Of many layers or targets some are drawn; `note` says which.
Figure thresholds_by_length(const ThresholdTable& table, const std::vector<const Target*>& targets);
// Calibration rows behind a threshold, against the row length.
Figure rows_by_length(const std::vector<const Target*>& targets);

// How much the thresholds of each target rest on: a row for each.
DataTable health_of(const std::vector<const Target*>& targets);
// The same as sentences: thin lengths, interpolated thresholds, dense heads, where rows differ most.
std::vector<std::string> findings_of(const ThresholdTable& table, const std::vector<const Target*>& targets);

}  // namespace toptheta::page
