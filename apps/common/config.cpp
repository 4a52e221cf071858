#include "common/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/toml_reader.hpp"

namespace toptheta::app {

namespace {

// One key of a configuration file.
struct Setting {
  std::string section;  // empty above the first [section]
  std::string key;
  std::string where;
  std::int64_t line = 0;
  std::vector<std::string> values{};  // one for a scalar
  bool array = false;
};

// A number as a command line would have it: a whole one stays one, 0.5 is "0.5" and 2.0 is "2.0".
std::string number_text(const JsonValue& value) {
  if (value.is_integer()) return value.raw().dump();
  const std::string text = fmt::format("{}", value.number());
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string scalar_text(const JsonValue& value) {
  if (value.is_text()) return value.text();
  if (value.is_flag()) return value.flag() ? "true" : "false";
  if (!value.is_number()) value.fail("not a setting", "a text, a number, true or false, or a list of these");
  return number_text(value);
}

Setting setting_of(const std::string& section, const std::string& key, const JsonValue& value) {
  Setting setting{section, key, value.where(), value.line()};
  setting.array = value.is_list();
  if (!setting.array) {
    setting.values.push_back(scalar_text(value));
    return setting;
  }
  for (const JsonValue& element : value.elements())
    setting.values.push_back(scalar_text(element));
  return setting;
}

// Every setting of the file: those of sections first, since what is said for one subcommand beats what is
// said for all; apart from that as they follow each other in the file.
std::vector<Setting> read_settings(const std::filesystem::path& file) {
  std::vector<Setting> settings;
  try {
    for (const auto& [name, value] : read_toml_file(file).members()) {
      if (!value.is_object()) {
        settings.push_back(setting_of("", name, value));
        continue;
      }
      for (const auto& [key, inner] : value.members())
        settings.push_back(setting_of(name, key, inner));
    }
  } catch (const InputError& error) {
    throw UsageError(error.problem());  // a configuration file is part of the command line
  }
  std::stable_sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) {
    return std::make_pair(a.section.empty(), a.line) < std::make_pair(b.section.empty(), b.line);
  });
  return settings;
}

// A value as the file has it: numbers and booleans bare, anything else as a quoted string.
std::string setting_text(const std::string& text) {
  if (text == "true" || text == "false") return text;
  const auto number = nlohmann::json::parse(text, nullptr, false);
  if (number.is_number() && std::isfinite(number.get<double>())) return text;
  return nlohmann::json(text).dump();  // the escapes of JSON are those of TOML
}

// The option a key stands for; null where the subcommand has none that a file may set.
const CLI::Option* option_of(const CLI::App& command, const std::string& key) {
  const std::vector<const CLI::Option*> found = command.get_options([&](const CLI::Option* option) {
    const auto& names = option->get_lnames();
    const bool named = std::find(names.begin(), names.end(), key) != names.end();
    return option->get_configurable() &&
           (named || (option->get_positional() && option->get_name(true) == key));
  });
  return found.empty() ? nullptr : found.front();
}

void require_known(const CLI::App& program, const Setting& setting) {
  const std::vector<const CLI::App*> commands = program.get_subcommands(
      [&](const CLI::App* app) { return setting.section.empty() || app->get_name() == setting.section; });
  if (commands.empty())
    throw UsageError({.where = setting.where,
                      .what = fmt::format("no subcommand '{}'", setting.section),
                      .next = fmt::format("name the section after a subcommand that {} --help lists",
                                          program.get_name())});
  const bool known = std::any_of(commands.begin(), commands.end(), [&](const CLI::App* command) {
    return option_of(*command, setting.key) != nullptr;
  });
  if (!known)
    throw UsageError({.where = setting.where,
                      .what = fmt::format("unknown key '{}'", setting.key),
                      .expected = "the long name of a flag",
                      .next = fmt::format("{} {} --print-config lists them", program.get_name(),
                                          setting.section.empty() ? "SUBCOMMAND" : setting.section)});
}

void append_flag(const CLI::Option& option, const Setting& entry, std::vector<std::string>& arguments) {
  if (entry.array || (entry.values[0] != "true" && entry.values[0] != "false"))
    throw UsageError({.where = entry.where,
                      .what = fmt::format("'{}' is a switch", entry.key),
                      .expected = "true or false",
                      .found = fmt::format("{}", fmt::join(entry.values, ", "))});
  if (entry.values[0] == "true") arguments.push_back("--" + option.get_lnames().front());
}

// An array for a flag that takes a single value is its comma-separated list: k = [16, 32] is --k 16,32.
std::vector<std::string> values_for(const CLI::Option& option, const Setting& entry) {
  if (option.get_expected_max() > 1 || !entry.array) return entry.values;
  return {fmt::format("{}", fmt::join(entry.values, ","))};
}

}  // namespace

bool is_switch(const CLI::Option& option) {
  return option.get_expected_max() == 0 || option.get_type_size() == 0;
}

std::vector<std::string> config_arguments(const CLI::App& program, const CLI::App& command,
                                          const std::filesystem::path& file) {
  std::vector<std::string> arguments;
  std::vector<std::string> positionals;
  std::vector<const CLI::Option*> settled;
  for (const Setting& entry : read_settings(file)) {
    require_known(program, entry);
    if (!entry.section.empty() && entry.section != command.get_name()) continue;
    const CLI::Option* option = option_of(command, entry.key);
    if (option == nullptr || option->count() > 0) continue;
    if (std::find(settled.begin(), settled.end(), option) != settled.end()) continue;
    settled.push_back(option);
    if (is_switch(*option)) {
      append_flag(*option, entry, arguments);
      continue;
    }
    for (const std::string& value : values_for(*option, entry)) {
      if (value.empty())
        throw UsageError({.where = entry.where,
                          .what = fmt::format("'{}' has an empty value", entry.key),
                          .next = "leave the line out, or give it a value"});
      if (option->get_positional())
        positionals.push_back(value);
      else
        arguments.push_back(fmt::format("--{}={}", option->get_lnames().front(), value));
    }
  }
  if (!positionals.empty()) {
    arguments.emplace_back("--");
    arguments.insert(arguments.end(), positionals.begin(), positionals.end());
  }
  return arguments;
}

std::string config_text(const CLI::App& command) {
  std::string text = fmt::format("[{}]\n", command.get_name());
  for (const CLI::Option* option : command.get_options({})) {
    if (!option->get_configurable()) continue;
    text += "\n# " + CLI::detail::fix_newlines("# ", option->get_description()) + "\n";
    const std::string name = option->get_positional() ? option->get_name(true) : option->get_lnames().front();
    std::vector<std::string> values = option->results();
    if (values.empty() && !option->get_default_str().empty()) values = {option->get_default_str()};
    if (is_switch(*option))
      text += fmt::format("{} = {}\n", name, option->count() > 0 ? "true" : "false");
    else if (values.empty())
      text += fmt::format("# {} =\n", name);
    else if (values.size() == 1)
      text += fmt::format("{} = {}\n", name, setting_text(values.front()));
    else {
      for (std::string& value : values)
        value = setting_text(value);
      text += fmt::format("{} = [{}]\n", name, fmt::join(values, ", "));
    }
  }
  return text;
}

}  // namespace toptheta::app
