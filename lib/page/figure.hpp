// Figures of the page: charts with a caption, a key, and the data behind them.
#pragma once
#include <string>
#include <vector>

#include "page/charts.hpp"
#include "page/data_table.hpp"

namespace toptheta::page {

struct KeyEntry {
  std::string name{};
  std::size_t style = 0;
  bool is_line = false;  // drawn as a line, without a mark
};

struct Figure {
  std::string title{};
  std::string note{};  // a sentence or two below the title
  std::vector<KeyEntry> key{};
  std::vector<Chart> charts{};
  DataTable data{};
};

std::string format_figure(const Figure& figure);

// A table, folded away under `summary` if it is long.
std::string format_long_table(const DataTable& table, const std::string& summary);

// The whole document around its contents: style, script, the button for light and dark.
std::string format_document(const std::string& title, const std::string& contents);

}  // namespace toptheta::page
