// Tables of the page: the data of charts, and tables that can be sorted, filtered and saved as CSV.
#pragma once
#include <string>
#include <vector>

#include "page/cell.hpp"

namespace toptheta::page {

// A cell of a table: a text, or a number together with the text that is shown.
struct Value {
  std::string text{};
  double number = kAbsent;
  bool is_number = false;
};

Value text_value(std::string text);
// Shown with four digits, but sorted and saved exactly, unless `rounded` to seven digits to keep long tables
// small.
Value number_value(double number, bool rounded = false);
Value percent_value(double share);
// Shown as a text such as "none" instead of a number.
Value count_value(std::int64_t count);

struct DataTable {
  std::string name{};  // of its CSV file and element, unique in a page: letters, digits, '-'
  std::vector<std::string> columns{};
  std::vector<std::vector<Value>> rows{};  // each as long as `columns`

  // Removes columns that are empty in all rows.
  void drop_empty_columns();
};

enum class Filter { none, words };

// The table, with a button that saves it and headers that sort it. With `filter`, a field above it hides
// rows.
std::string format_table(const DataTable& table, Filter filter);
// The same, folded away.
std::string format_details(const DataTable& table);

}  // namespace toptheta::page
