// The page: one HTML file without any request, whose bytes depend on the cells only (docs/page.md).
#pragma once
#include <string>
#include <vector>

#include "page/charts.hpp"

namespace toptheta::page {

std::string format_page(const std::vector<Cell>& cells);
// Every chart of that page.
std::vector<Chart> charts_of(const std::vector<Cell>& cells);

}  // namespace toptheta::page
