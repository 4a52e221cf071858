// Checks conditions against results.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "sweep/condition.hpp"
#include "sweep/read_cells.hpp"

namespace toptheta {

// One line for each cell and condition that holds: "'acc < 0.5' holds for quiz__dense__prefill: acc is 0.4".
// A cell without the metrics of a condition is skipped. Dense itself is only compared with A, unless there is
// nothing else. `first` holds the results that A refers to; null if there are none. Throws UsageError,
// listing the known names, if no cell has the metrics, or if a condition names dense or A and there is none.
std::vector<std::string> failures_of(std::span<const Condition> conditions,
                                     const std::vector<CellResult>& cells,
                                     const std::vector<CellResult>* first);

// The result in A that a result in B is compared with: the one of the same name, else of the same task,
// policy and phase. If both hold a single policy, the one of the same task and phase. Null if there is none.
const CellResult* partner_of(const CellResult& cell, const std::vector<CellResult>& cells,
                             const std::vector<CellResult>& first);

}  // namespace toptheta
