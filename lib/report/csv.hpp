// Comma-separated values (RFC 4180 quoting, "\n" line ends): one line per run, in full precision. A figure
// that does not apply is empty.
#pragma once
#include <string>
#include <vector>

#include "eval/result.hpp"

namespace toptheta {

// One record, ending in "\n"; fields with commas, quotes or line breaks are quoted.
std::string format_csv_record(const std::vector<std::string>& fields);

// Columns: policy, task, every metric of any run with its _stderr, every count, sparsity.
std::string format_csv(const Results& results);

}  // namespace toptheta
