#include "io/json_lines.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

#include "core/error.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

nlohmann::json parse(std::string_view line, const std::string& where) {
  if (const auto invalid = first_invalid_utf8(line))
    throw InputError({.where = where,
                      .what = "not UTF-8",
                      .found = fmt::format("a wrong byte in column {}", *invalid + 1)});
  try {
    return nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..." -> "column 5: ..."
    std::string_view reason = error.what();
    const std::size_t column = reason.find("column ");
    if (column != std::string_view::npos) reason.remove_prefix(column);
    throw InputError({.where = where,
                      .what = fmt::format("not a JSON value: {}", reason),
                      .expected = "one complete JSON value per line"});
  }
}

}  // namespace

void for_each_json_line(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& use) {
  std::error_code ignored;
  const bool is_directory = std::filesystem::is_directory(path, ignored);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file || is_directory) {
    throw InputError(
        {.where = path.string(),
         .what = "cannot read: " + std::generic_category().message(is_directory ? EISDIR : errno)});
  }
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    std::string_view text = line;
    if (number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (is_blank(text)) continue;
    const std::string where = fmt::format("{}:{}", path.string(), number);
    use({.value = parse(text, where), .number = number, .where = where});
  }
  if (file.bad()) throw InputError({.where = path.string(), .what = "cannot read: input/output error"});
}

}  // namespace toptheta
