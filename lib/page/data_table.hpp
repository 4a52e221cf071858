// Tables of the page: what charts are drawn from, and what is sorted, filtered and saved as CSV.
#pragma once
#include <string>
#include <vector>

#include "page/cell.hpp"

namespace toptheta::page {

// A cell of a table: a text, or a number with the text that people see.
struct Value {
  std::string text{};
  double number = kAbsent;
  bool is_number = false;
};

Value text_value(std::string text);
// Shown with four digits; sorted and saved exactly, unless `rounded` to seven digits, which keeps long tables
// small.
Value number_value(double number, bool rounded = false);
Value percent_value(double share);
// Not a number, as in "none".
Value count_value(std::int64_t count);

struct DataTable {
  std::string name{};  // of its CSV file and of the element, unique in a page: letters, digits, '-'
  std::vector<std::string> columns{};
  std::vector<std::vector<Value>> rows{};  // as wide as `columns`

  // Takes out the columns in which no row has anything.
  void drop_empty_columns();
};

enum class Filter { none, words };

// The table with a button that saves it; headers sort. With `filter` a field above it that hides rows.
std::string format_table(const DataTable& table, Filter filter);
// The same, folded away.
std::string format_details(const DataTable& table);

}  // namespace toptheta::page
