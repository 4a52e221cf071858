// How far the outputs of heads are from those of dense attention, if that was measured.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// One row for each run of a task that measured it: all heads together, the worst layer and the worst head.
// nullopt if no run did.
std::optional<SummarySection> output_errors_of(std::span<const RunResult> runs);

// What its columns mean.
std::vector<std::string> output_error_notes();

}  // namespace toptheta
