#include "report/format.hpp"

#include "report/csv.hpp"
#include "report/json.hpp"
#include "report/markdown.hpp"
#include "report/table.hpp"

namespace toptheta {

ResultFormat result_format_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension.empty() ? ResultFormat::table
                           : value_named<ResultFormat>(extension.substr(1)).value_or(ResultFormat::table);
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
