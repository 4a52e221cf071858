// The parts of pages that describe a threshold table.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "page/audit.hpp"
#include "page/figure.hpp"
#include "theta/table.hpp"

namespace toptheta::page {

// Maps of the targets in `mapped`, curves of those in `all`, and row counts.
std::vector<Figure> table_figures(const ThresholdTable& table, const std::vector<const Target*>& mapped,
                                  const std::vector<const Target*>& all);
// The same as HTML, with how the table was made, and its health in words. `mark` keeps the names of data
// distinct if a page shows several tables.
std::string format_table_sections(const ThresholdTable& table, const std::vector<const Target*>& mapped,
                                  const std::vector<const Target*>& all, const std::string& mark);
std::string format_audit(const std::optional<AuditFile>& audit);

}  // namespace toptheta::page
