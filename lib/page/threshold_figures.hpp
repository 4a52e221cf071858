// Figures of a threshold table, and its health in words.
#pragma once
#include <string>
#include <vector>

#include "page/figure.hpp"
#include "theta/table.hpp"

namespace toptheta::page {

// The thresholds of every head and their spread, for one target.
Figure threshold_maps(const ThresholdTable& table, const Target& target);
// Thresholds against the row length: a chart for each layer and a line for each target, with the spread
// between rows. If there are many layers or targets, only some are drawn, and `note` says which.
Figure thresholds_by_length(const ThresholdTable& table, const std::vector<const Target*>& targets);
// Calibration rows per threshold, against the row length.
Figure rows_by_length(const std::vector<const Target*>& targets);

// How many calibration rows the thresholds of each target rest on: one row per target.
DataTable health_of(const std::vector<const Target*>& targets);
// The same in sentences: thin lengths, interpolated thresholds, dense heads, and where rows differ most.
std::vector<std::string> findings_of(const ThresholdTable& table, const std::vector<const Target*>& targets);

}  // namespace toptheta::page
