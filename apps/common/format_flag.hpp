// --format, by the forms of output that there are (report/format.hpp). Inline: only programs with reports
// have it.
#pragma once
#include <optional>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "report/format.hpp"

namespace toptheta::app {

inline CLI::Option* add_format(CLI::App& app, ResultFormat& format, const std::string& description) {
  return add_choice(
             app, "--format", result_format_names(),
             [&format](std::string_view name) { format = find_result_format(name); },
             [&format] { return std::string(format->name); }, description)
      ->group(kOutputGroup);
}

// Without a default: nullopt where the flag is not given.
inline CLI::Option* add_format(CLI::App& app, std::optional<ResultFormat>& format,
                               const std::string& description) {
  return add_choice(
             app, "--format", result_format_names(),
             [&format](std::string_view name) { format = find_result_format(name); },
             [] { return std::string(); }, description)
      ->group(kOutputGroup);
}

}  // namespace toptheta::app
