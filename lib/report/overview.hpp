// Several tasks in one table: one row per policy, one or two figures per task.
#pragma once
#include <optional>

#include "report/summary.hpp"

namespace toptheta {

// A row per policy in the order of the runs; columns: each task's main figures with their standard errors,
// then, over all tasks of a phase together, kept elements and V rows. Nothing where the results hold fewer
// than two tasks, or tasks that were not run under the same policies.
std::optional<SummarySection> overview_of(const Results& results);

}  // namespace toptheta
