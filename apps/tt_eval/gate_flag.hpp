// --fail-if: conditions that end a command with status 1.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "sweep/condition.hpp"
#include "sweep/read_cells.hpp"

namespace toptheta::app {

void declare_fail_if(CLI::App& app, std::vector<std::string>& conditions, const std::string& description);

// Throws UsageError for the first condition that is not understood.
std::vector<Condition> parse_conditions(const std::vector<std::string>& texts);

// Throws UsageError for a metric that no result has.
void require_metrics(const std::vector<std::string>& metrics, const std::vector<CellResult>& cells);

// Throws Error with status 1 and these lines, unless there are none. To be called once the result is written.
void require_passed(const std::vector<std::string>& failures);

}  // namespace toptheta::app
