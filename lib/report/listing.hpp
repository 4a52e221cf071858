// Small tables of named columns, for what is not an evaluation: summaries of files and single commands.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/summary.hpp"

namespace toptheta {

struct ListingColumn {
  std::string key;    // in JSON and CSV
  std::string title;  // for people, with its unit
  bool number = true;
  int spare = 0;  // where room is short the column with the largest goes first; 0: after all others
};

struct Listing {
  std::string schema;            // of the JSON form: "toptheta.show/1"
  std::string heading;           // for people, above the table; may have several lines
  nlohmann::ordered_json about;  // an object: members of the JSON form beside the rows
  std::vector<ListingColumn> columns;
  std::vector<std::vector<nlohmann::ordered_json>>
      rows;                          // text, number, boolean, or null where it does not apply
  std::vector<std::string> notes{};  // for people, below the table
};

// What writers of listings share.
// The cells as text, numbers by `number` and null as `absent`.
std::vector<std::vector<std::string>> listing_cells(const Listing& listing, std::string (*number)(double),
                                                    const char* absent);
std::vector<SummaryColumn> listing_columns(const Listing& listing);
// Heading, table and notes, each of these after `bullet`.
std::string listing_text(const Listing& listing, const std::string& table, const char* bullet);

}  // namespace toptheta
