// The width of the screen.
#pragma once
#include <cstddef>
#include <optional>

namespace toptheta::app {

// The columns of the terminal that standard output goes to; if it is not a terminal, the value of COLUMNS.
// nullopt if neither is known.
std::optional<std::size_t> screen_columns();

// The width of tables on standard output: that of the screen, but at least 40; 80 if it is not known.
std::size_t table_width();

}  // namespace toptheta::app
