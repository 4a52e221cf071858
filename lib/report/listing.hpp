// Small tables of named columns, for what is not an evaluation: summaries of files and single commands.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/format.hpp"

namespace toptheta {

struct ListingColumn {
  std::string key;    // in JSON and CSV
  std::string title;  // for people, with its unit
  bool number = true;
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

// JSON is {"schema": ..., members of `about`, "rows": [{key: value}]}. Ends in a line break.
std::string format_listing(const Listing& listing, ResultFormat format);

}  // namespace toptheta
