// The forms of output, each declared once: its name is the name of --format and the ending of files.
//
// A new form is a source file beside this one that defines a ReportFormat, and a line in format.cpp.
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/listing.hpp"
#include "report/summary.hpp"

namespace toptheta {

struct ReportFormat {
  std::string_view name;   // "csv": of --format, and of files that end in .csv
  bool for_people = true;  // may leave details out; otherwise it always holds everything
  // The whole report, ending in a line break. Deterministic: the same results give the same bytes. The layout
  // is for people.
  std::string (*results)(const Results& results, const Layout& layout);
  std::string (*listing)(const Listing& listing, const Layout& layout);
};
// Never null.
using ResultFormat = const ReportFormat*;

std::span<const ResultFormat> result_formats();
std::vector<std::string_view> result_format_names();
// Null for a name that none has.
ResultFormat find_result_format(std::string_view name);
// Aligned text for a terminal.
ResultFormat table_format();
// By extension; a table for any that is not known.
ResultFormat result_format_of(const std::filesystem::path& path);

inline bool is_for_people(ResultFormat format) {
  return format->for_people;
}
inline std::string format_results(const Results& results, ResultFormat format, const Layout& layout = {}) {
  return format->results(results, layout);
}
inline std::string format_listing(const Listing& listing, ResultFormat format, const Layout& layout = {}) {
  return format->listing(listing, layout);
}

}  // namespace toptheta
