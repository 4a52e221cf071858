// Text laid out within a width, in columns on the screen: paragraphs, and tables of aligned columns.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// Breaks a text at blanks into lines of at most `width`; lines after the first begin with `indent` blanks.
// Existing line breaks are kept. A word that is longer than a line, such as a path, stays whole.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent = 0);

struct TextTable {
  std::vector<SummaryColumn> columns;
  std::vector<std::vector<std::string>> rows;  // one cell per column
};

// The rows under their titles, columns two blanks apart, a rule below the titles.
std::string format_aligned(const TextTable& table);

// Whether format_within() shows all of it.
bool fits(const TextTable& table, std::size_t width);

// The same in lines of at most `width`. If space is short, titles and texts take several lines. If it is
// still short, columns are left out, beginning with those that can best be spared, and their titles are added
// to `left_out`, each once.
std::string format_within(TextTable table, std::size_t width, std::vector<std::string>& left_out);

// Transposes the table: rows become columns, titled by the first column, and the other titles become the
// first column.
TextTable turned(const TextTable& table);

}  // namespace toptheta
