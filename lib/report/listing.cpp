#include "report/listing.hpp"

#include <fmt/format.h>

#include "report/csv.hpp"
#include "report/json.hpp"
#include "report/markdown.hpp"
#include "report/number.hpp"
#include "report/table.hpp"

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

std::vector<SummaryColumn> summary_columns(const Listing& listing) {
  std::vector<SummaryColumn> columns;
  for (const ListingColumn& column : listing.columns)
    columns.push_back({column.title, column.number});
  return columns;
}

std::vector<std::vector<std::string>> text_rows(const Listing& listing) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& cells : listing.rows) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Json& cell : cells)
      row.push_back(text_of(cell, format_number, "-"));
  }
  return rows;
}

std::string listing_json(const Listing& listing) {
  Json json;
  json["schema"] = listing.schema;
  if (listing.about.is_object()) json.update(listing.about);
  json["rows"] = Json::array();
  for (const auto& cells : listing.rows) {
    Json row;
    for (std::size_t c = 0; c < cells.size(); ++c)
      row[listing.columns[c].key] = cells[c];
    json["rows"].push_back(std::move(row));
  }
  return format_json(json);
}

std::string listing_csv(const Listing& listing) {
  std::vector<std::string> header;
  for (const ListingColumn& column : listing.columns)
    header.push_back(column.key);
  std::string text = format_csv_record(header);
  for (const auto& cells : listing.rows) {
    std::vector<std::string> fields;
    fields.reserve(cells.size());
    for (const Json& cell : cells)
      fields.push_back(text_of(cell, format_exact, ""));
    text += format_csv_record(fields);
  }
  return text;
}

std::string listing_text(const Listing& listing, const std::string& table, const char* bullet) {
  std::string text = listing.heading.empty() ? table : listing.heading + "\n\n" + table;
  if (!listing.notes.empty()) text += "\n";
  for (const std::string& note : listing.notes)
    text += bullet + note + "\n";
  return text;
}

}  // namespace

std::string format_listing(const Listing& listing, ResultFormat format) {
  switch (format) {
    case ResultFormat::json:
      return listing_json(listing);
    case ResultFormat::csv:
      return listing_csv(listing);
    case ResultFormat::markdown:
      return listing_text(listing, format_markdown_table(summary_columns(listing), text_rows(listing)), "- ");
    case ResultFormat::table:
      break;
  }
  return listing_text(listing, format_aligned(summary_columns(listing), text_rows(listing)), "");
}

}  // namespace toptheta
