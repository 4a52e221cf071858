// Small tables with named columns, for everything except evaluations: summaries of files and of commands.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

// How people see the cells of a column. JSON and CSV hold the values as they are.
enum class Shown {
  as_it_is,
  percent,  // fractions, in per cent; the title says so
  digits,   // four significant digits, however small the number is
  once      // nothing where the row above has the same
};

struct ListingColumn {
  std::string key;    // in JSON and CSV
  std::string title;  // for people, with its unit
  bool number = true;
  int spare = 0;  // if space is short, columns with the largest value are left out first, those with 0 last
  Shown shown = Shown::as_it_is;
};

struct Listing {
  std::string schema;            // of the JSON form: "toptheta.show/1"
  std::string heading;           // for people, above the table; may have several lines
  nlohmann::ordered_json about;  // an object: members of the JSON next to the rows
  std::vector<ListingColumn> columns;
  std::vector<std::vector<nlohmann::ordered_json>>
      rows;                          // text, number, boolean, or null if it does not apply
  std::vector<std::string> notes{};  // for people, below the table
};

// What writers of listings share.
// The cells as text, for people, with "-" for null; and for machines, with all digits and nothing for null.
std::vector<std::vector<std::string>> cells_for_people(const Listing& listing);
std::vector<std::vector<std::string>> exact_cells(const Listing& listing);
std::vector<SummaryColumn> listing_columns(const Listing& listing);
// Heading, table and notes; each note follows `bullet`.
std::string listing_text(const Listing& listing, const std::string& table, const char* bullet);

}  // namespace toptheta
