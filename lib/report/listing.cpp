#include "report/listing.hpp"

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

}  // namespace

std::vector<std::vector<std::string>> listing_cells(const Listing& listing, std::string (*number)(double),
                                                    const char* absent) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& cells : listing.rows) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Json& cell : cells)
      row.push_back(text_of(cell, number, absent));
  }
  return rows;
}

std::vector<SummaryColumn> listing_columns(const Listing& listing) {
  std::vector<SummaryColumn> columns;
  for (const ListingColumn& column : listing.columns)
    columns.push_back({column.title, column.number, column.spare});
  return columns;
}

std::string listing_text(const Listing& listing, const std::string& table, const char* bullet) {
  std::string text = listing.heading.empty() ? table : listing.heading + "\n\n" + table;
  if (!listing.notes.empty()) text += "\n";
  for (const std::string& note : listing.notes)
    text += bullet + note + "\n";
  return text;
}

}  // namespace toptheta
