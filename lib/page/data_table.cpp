#include "page/data_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/markup.hpp"

namespace toptheta::page {

namespace {

bool is_empty(const Value& value) {
  return value.is_number ? std::isnan(value.number) : value.text.empty();
}

// The exact number is added as an attribute only if the text does not already give it.
std::string cell_of(const Value& value) {
  if (!value.is_number) return fmt::format("<td>{}", escaped(value.text));
  const std::string exact = exact_number(value.number);
  if (exact == value.text) return fmt::format("<td class='r'>{}", escaped(value.text));
  return fmt::format("<td class='r' data-v='{}'>{}", exact, escaped(value.text));
}

// `is_right` aligns the cell to the right, as numbers are.
std::string head_of(const DataTable& table) {
  std::string html = "<thead><tr>";
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const bool is_right = !table.rows.empty() && table.rows.front()[i].is_number;
    html += fmt::format("<th aria-sort='none' scope='col'{}><button type='button'>{}</button>",
                        is_right ? " class='r'" : "", escaped(table.columns[i]));
  }
  return html + "</tr></thead>";
}

std::string body_of(const DataTable& table) {
  std::string html = "<tbody>";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (const Value& value : row)
      html += cell_of(value);
  }
  return html + "</tbody>";
}

std::string save_button(const DataTable& table) {
  return fmt::format("<button type='button' class='csv' data-of='{}'>Save as CSV</button>",
                     escaped(table.name));
}

std::string element_of(const DataTable& table) {
  return fmt::format(
      "<div class='scroll' tabindex='0' role='region' aria-label='Table {0}'><table id='{0}'>{1}{2}"
      "</table></div>",
      escaped(table.name), head_of(table), body_of(table));
}

}  // namespace

Value text_value(std::string text) {
  return {std::move(text), kAbsent, false};
}

Value number_value(double number, bool rounded) {
  if (rounded && std::isfinite(number)) number = std::stod(fmt::format("{:.7g}", number));
  if (rounded) return {std::isfinite(number) ? exact_number(number) : short_number(number), number, true};
  return {short_number(number), number, true};
}

Value percent_value(double share) {
  return {percent(share), share, true};
}

Value count_value(std::int64_t count) {
  return {fmt::format("{}", count), static_cast<double>(count), true};
}

void DataTable::drop_empty_columns() {
  for (std::size_t i = columns.size(); i-- > 0;) {
    if (!std::all_of(rows.begin(), rows.end(), [i](const auto& row) { return is_empty(row[i]); })) continue;
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(i));
    for (auto& row : rows)
      row.erase(row.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::string format_table(const DataTable& table, Filter filter) {
  std::string html = "<div class='tools'>";
  if (filter == Filter::words)
    html += fmt::format(
        "<label>Filter <input type='search' data-of='{0}' placeholder='words, or e.g. kept&lt;5%'></label> "
        "<span class='count' role='status' data-of='{0}'></span> ",
        escaped(table.name));
  return html + save_button(table) + "</div>" + element_of(table);
}

std::string format_details(const DataTable& table) {
  return fmt::format("<details><summary>Data: {} row{}</summary><div class='tools'>{}</div>{}</details>",
                     table.rows.size(), table.rows.size() == 1 ? "" : "s", save_button(table),
                     element_of(table));
}

}  // namespace toptheta::page
