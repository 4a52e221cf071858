// Text laid out within a width, in columns on the screen: paragraphs, and tables of aligned columns.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// Lines of at most `width`, broken at blanks; those after the first begin with `indent` blanks. Line breaks
// in the text stay. A word that is longer than a line, such as a path, stays whole.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent = 0);

struct TextTable {
  std::vector<SummaryColumn> columns;
  std::vector<std::vector<std::string>> rows;  // one cell per column
};

// The rows under their titles, columns two blanks apart, a rule below the titles.
std::string format_aligned(const TextTable& table);

// Whether format_within() shows all of it.
bool fits(const TextTable& table, std::size_t width);

// The same in lines of at most `width`. Where room is short titles and texts go over several lines; then
// columns are left out, those that can be spared first, and their titles join `left_out`, each once.
std::string format_within(TextTable table, std::size_t width, std::vector<std::string>& left_out);

// Rows as columns, under the titles of the first column; the other titles as the first column.
TextTable turned(const TextTable& table);

}  // namespace toptheta
