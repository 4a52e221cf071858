#include "report/listing.hpp"

#include <fmt/format.h>

#include "report/number.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& cell, std::string (*number)(double), const char* absent) {
  if (cell.is_null()) return absent;
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_boolean()) return cell.get<bool>() ? "true" : "false";
  if (cell.is_number_float()) return number(cell.get<double>());
  return cell.dump();
}

std::string for_people(const Json& cell, Shown shown) {
  if (shown == Shown::percent && cell.is_number()) return format_percent(cell.get<double>());
  if (shown == Shown::digits && cell.is_number()) return fmt::format("{:#.4g}", cell.get<double>());
  return text_of(cell, format_number, "-");
}

}  // namespace

std::vector<std::vector<std::string>> cells_for_people(const Listing& listing) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t r = 0; r < listing.rows.size(); ++r) {
    std::vector<std::string>& row = rows.emplace_back();
    for (std::size_t c = 0; c < listing.rows[r].size(); ++c) {
      const Shown shown = listing.columns[c].shown;
      const Json& cell = listing.rows[r][c];
      const bool repeated = shown == Shown::once && r > 0 && listing.rows[r - 1][c] == cell;
      row.push_back(repeated ? std::string() : for_people(cell, shown));
    }
  }
  return rows;
}

std::vector<std::vector<std::string>> exact_cells(const Listing& listing) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& cells : listing.rows) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Json& cell : cells)
      row.push_back(text_of(cell, format_exact, ""));
  }
  return rows;
}

std::vector<SummaryColumn> listing_columns(const Listing& listing) {
  std::vector<SummaryColumn> columns;
  columns.reserve(listing.columns.size());
  for (const ListingColumn& column : listing.columns)
    columns.push_back({column.title, column.number, column.spare});
  return columns;
}

std::string listing_text(const Listing& listing, const std::string& table, const char* bullet) {
  std::string text = listing.heading.empty() ? table : listing.heading + "\n\n" + table;
  if (!listing.notes.empty()) text += '\n';
  for (const std::string& note : listing.notes)
    text += bullet + note + "\n";
  return text;
}

}  // namespace toptheta
