// A GitHub-flavoured Markdown table.
#pragma once
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// The rows as a Markdown table; bars and line breaks in cells are escaped.
std::string format_markdown_table(const std::vector<SummaryColumn>& columns,
                                  const std::vector<std::vector<std::string>>& rows);

std::string format_markdown(const Results& results, const Layout& layout = {});

}  // namespace toptheta
