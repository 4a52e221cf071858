// Several tasks in one table: one row per policy, one or two figures per task.
#pragma once
#include <optional>

#include "report/summary.hpp"

namespace toptheta {

// A row per policy, in the order of the runs. Columns are the main figures of each task with their standard
// errors, then kept elements and V rows over all tasks of a phase together. nullopt if the results hold fewer
// than two tasks, or if the tasks were not run under the same policies.
std::optional<SummarySection> overview_of(const Results& results);

}  // namespace toptheta
