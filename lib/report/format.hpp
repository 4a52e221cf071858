// The output formats of reports, each declared once. The name is the value of --format and the extension of
// files.
//
// A new format is a source file in this folder that defines a ReportFormat, and a line in format.cpp.
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
  std::string_view name;   // "csv": the value of --format, and files that end in .csv
  bool for_people = true;  // may leave out details; otherwise the format always holds everything
  // The whole report, ending in a line break. Deterministic: the same results give the same bytes. The layout
  // only matters to formats for people.
  std::string (*results)(const Results& results, const Layout& layout);
  std::string (*listing)(const Listing& listing, const Layout& layout);
};
// Never null.
using ResultFormat = const ReportFormat*;

std::span<const ResultFormat> result_formats();
std::vector<std::string_view> result_format_names();
// Null if no format has this name.
ResultFormat find_result_format(std::string_view name);
// Aligned text for a terminal.
ResultFormat table_format();
// By the extension of the path; the table for an unknown extension.
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
