// --format, for the known output formats (report/format.hpp). Inline, because only programs with reports need
// it.
#pragma once
#include <filesystem>
#include <optional>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/screen.hpp"
#include "report/format.hpp"

namespace toptheta::app {

inline CLI::Option* add_format(CLI::App& app, ResultFormat& format, const std::string& description) {
  return add_choice(
             app, "--format", result_format_names(),
             [&format](std::string_view name) { format = find_result_format(name); },
             [&format] { return std::string(format->name); }, description)
      ->group(kOutputGroup);
}

// Without a default: nullopt if the flag is not given.
inline CLI::Option* add_format(CLI::App& app, std::optional<ResultFormat>& format,
                               const std::string& description) {
  return add_choice(
             app, "--format", result_format_names(),
             [&format](std::string_view name) { format = find_result_format(name); },
             [] { return std::string(); }, description)
      ->group(kOutputGroup);
}

// A report on standard output has the width of the screen; in a file it has the default width.
inline Layout layout_of(const std::filesystem::path& output, Detail detail = Detail::full) {
  return output.empty() ? Layout{detail, table_width()} : Layout{detail};
}

}  // namespace toptheta::app
