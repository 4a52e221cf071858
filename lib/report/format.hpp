// Results in, one text per format out.
#pragma once
#include <filesystem>
#include <string>

#include "report/summary.hpp"

namespace toptheta {

enum class ResultFormat { table, json, csv, markdown };

template <>
inline constexpr auto kNames<ResultFormat> =
    std::to_array<Named<ResultFormat>>({{ResultFormat::table, "table"},
                                        {ResultFormat::json, "json"},
                                        {ResultFormat::csv, "csv"},
                                        {ResultFormat::markdown, "md"}});

// By extension: .json, .csv, .md; a table for anything else.
ResultFormat result_format_of(const std::filesystem::path& path);
// Tables and Markdown, which may leave details out.
constexpr bool is_for_people(ResultFormat format) {
  return format == ResultFormat::table || format == ResultFormat::markdown;
}

// The whole report, ending in a line break. Deterministic: the same results give the same bytes.
// `detail` is for people: table and Markdown. JSON and CSV always hold everything.
std::string format_results(const Results& results, ResultFormat format, Detail detail = Detail::full);

}  // namespace toptheta
