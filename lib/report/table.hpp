// Aligned text for a terminal.
#pragma once
#include <string>

#include "report/summary.hpp"

namespace toptheta {

// Sections that are wider than the layout name the policy in one column, put titles and texts on several
// lines, turn rows into columns where that helps (report/overview.hpp), and leave out what can be spared; a
// note says what. Notes and headings are wrapped.
std::string format_table(const Results& results, const Layout& layout = {});

}  // namespace toptheta
