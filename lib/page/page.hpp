// The pages. Each is one HTML file that loads nothing else, and whose bytes depend only on the arguments
// (docs/page.md).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "page/audit.hpp"
#include "page/charts.hpp"
#include "page/tables.hpp"

namespace toptheta::page {

// The page about results, with the threshold tables that they name and the audit of one of them. Heat maps of
// heads are drawn for as many tasks as keep the page small; the others are named.
std::string format_page(const std::vector<Cell>& cells, const std::vector<NamedTable>& tables,
                        const std::optional<AuditFile>& audit);
// All charts of that page.
std::vector<Chart> charts_of(const std::vector<Cell>& cells, const std::vector<NamedTable>& tables);

// The page about a threshold table; `k` 0: all of its targets. Throws UsageError for a k that it does not
// have.
std::string format_table_page(const ThresholdTable& table, const std::string& path, std::int64_t k,
                              const std::optional<AuditFile>& audit);
std::vector<Chart> charts_of(const ThresholdTable& table, std::int64_t k);

}  // namespace toptheta::page
