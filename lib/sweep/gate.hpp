// Conditions held against results.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "sweep/condition.hpp"
#include "sweep/read_cells.hpp"

namespace toptheta {

// The cells for which a condition holds, a line each: "'acc < 0.5' holds for quiz__dense__prefill: acc is
// 0.4". A cell without the metrics asked for is passed over. Dense is not held against anything but A, unless
// there is nothing else. `first`: the results that A means; null where there are none. Throws UsageError,
// with the names that there are, where no cell has the metrics, and where dense or A is asked for and
// missing.
std::vector<std::string> failures_of(std::span<const Condition> conditions,
                                     const std::vector<CellResult>& cells,
                                     const std::vector<CellResult>* first);

// The result in A that a result in B is compared with: of the same name, else of the same task, policy and
// phase; where both hold one policy only, of the same task and phase. Null where there is none.
const CellResult* partner_of(const CellResult& cell, const std::vector<CellResult>& cells,
                             const std::vector<CellResult>& first);

}  // namespace toptheta
