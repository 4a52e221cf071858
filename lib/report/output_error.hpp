// How far heads' outputs are from dense attention's, where that was measured.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// The runs of one task, a row for each that measured it: all heads together, the worst layer and the worst
// head. Nothing where none did.
std::optional<SummarySection> output_errors_of(std::span<const RunResult> runs);

// What its columns mean.
std::vector<std::string> output_error_notes();

}  // namespace toptheta
