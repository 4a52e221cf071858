#include "io/json_lines.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <string_view>
#include <system_error>

#include "core/error.hpp"
#include "io/regular_file.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// A document that goes over several lines, such as a result, ends too early in its first.
JsonValue parse_line(std::string_view text, const std::string& where, const JsonLimits& limits) {
  try {
    return parse_json(text, where, limits);
  } catch (const InputError& error) {
    Problem problem = error.problem();
    if (problem.expected.empty()) problem.expected = "one JSON object on each line (JSON Lines)";
    throw InputError(problem);
  }
}

}  // namespace

void for_each_json_line(const std::filesystem::path& path, const std::function<void(const JsonLine&)>& use,
                        const JsonLimits& limits) {
  require_regular_file(path);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw InputError(
        {.where = path.string(), .what = "cannot read: " + std::generic_category().message(errno)});
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    std::string_view text = line;
    if (number == 1) refuse_lfs_pointer(path, text);
    if (number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (is_blank(text)) continue;
    const std::string where = fmt::format("{}:line {}", path.string(), number);
    use({.value = parse_line(text, where, limits), .number = number, .where = where});
  }
  if (file.bad()) throw InputError({.where = path.string(), .what = "cannot read: input/output error"});
}

}  // namespace toptheta
