// Aligned text for a terminal.
#pragma once
#include <string>

#include "report/summary.hpp"

namespace toptheta {

// If a section is wider than the layout, the policy gets a single column, titles and texts take several
// lines, rows become columns if that helps (report/overview.hpp), and columns that can be spared are left
// out, which a note names. Notes and headings are wrapped.
std::string format_table(const Results& results, const Layout& layout = {});

}  // namespace toptheta
