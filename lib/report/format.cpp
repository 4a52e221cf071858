#include "report/format.hpp"

#include "report/csv.hpp"
#include "report/json.hpp"
#include "report/markdown.hpp"
#include "report/table.hpp"

namespace toptheta {

std::optional<ResultFormat> result_format_from_name(std::string_view name) {
  if (name == "table") return ResultFormat::table;
  if (name == "json") return ResultFormat::json;
  if (name == "csv") return ResultFormat::csv;
  if (name == "md") return ResultFormat::markdown;
  return std::nullopt;
}

ResultFormat result_format_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension.empty() ? ResultFormat::table
                           : result_format_from_name(extension.substr(1)).value_or(ResultFormat::table);
}

ResultFormat result_format_of(const std::string& name, const std::filesystem::path& path) {
  return name.empty() ? result_format_of(path) : result_format_from_name(name).value();
}

std::string format_results(const Results& results, ResultFormat format, Detail detail) {
  switch (format) {
    case ResultFormat::json:
      return format_json(results);
    case ResultFormat::csv:
      return format_csv(results);
    case ResultFormat::markdown:
      return format_markdown(results, detail);
    case ResultFormat::table:
      break;
  }
  return format_table(results, detail);
}

}  // namespace toptheta
