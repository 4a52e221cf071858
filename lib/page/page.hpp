// The pages: one HTML file each, without any request, whose bytes depend on what they are given only
// (docs/page.md).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "page/audit.hpp"
#include "page/charts.hpp"
#include "page/tables.hpp"

namespace toptheta::page {

// Of results, with the threshold tables that they name and what an audit of one found. Heat maps of heads are
// drawn for as many tasks as keep the page small; all others are named.
std::string format_page(const std::vector<Cell>& cells, const std::vector<NamedTable>& tables,
                        const std::optional<AuditFile>& audit);
// Every chart of that page.
std::vector<Chart> charts_of(const std::vector<Cell>& cells, const std::vector<NamedTable>& tables);

// Of a threshold table alone; `k` 0: all of its targets. Throws UsageError for a k that it has not.
std::string format_table_page(const ThresholdTable& table, const std::string& path, std::int64_t k,
                              const std::optional<AuditFile>& audit);
std::vector<Chart> charts_of(const ThresholdTable& table, std::int64_t k);

}  // namespace toptheta::page
