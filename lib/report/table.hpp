// Aligned text for a terminal.
#pragma once
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// The rows under their titles, columns two blanks apart, a rule below the titles. Used by every program's
// table.
std::string format_aligned(const std::vector<SummaryColumn>& columns,
                           const std::vector<std::vector<std::string>>& rows);

// Sections wider than 80 columns name the policy in one column and leave out what can be spared; a note says
// what.
std::string format_table(const Results& results, Detail detail = Detail::full);

}  // namespace toptheta
