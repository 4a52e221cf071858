// How wide the screen is.
#pragma once
#include <cstddef>
#include <optional>

namespace toptheta::app {

// The columns of the terminal that standard output goes to; where it goes elsewhere, what COLUMNS says.
// Nothing where neither is known.
std::optional<std::size_t> screen_columns();

// The width of tables on standard output: the screen's, at least 40; 80 where it is not known.
std::size_t table_width();

}  // namespace toptheta::app
