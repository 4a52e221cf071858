#include "common/choice_flag.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace toptheta::app {

CLI::Option* add_choice(CLI::App& app, const std::string& flag, const std::vector<std::string_view>& names,
                        const std::function<void(std::string_view)>& set,
                        const std::function<std::string()>& value, const std::string& description) {
  const auto check = [names](std::string& text) {
    if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
    return fmt::format("'{}' is not known: expected {}", text, listed(names));
  };
  const auto take = [set](const CLI::results_t& results) {
    set(results.back());
    return true;
  };
  CLI::Option* option = app.add_option(flag, take, description)
                            ->type_name(fmt::format("{}", fmt::join(names, "|")))
                            ->check(CLI::Validator(check, ""));
  option->default_function(value);
  return option->capture_default_str();
}

}  // namespace toptheta::app
