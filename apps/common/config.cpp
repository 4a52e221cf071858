#include "common/config.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/toml.hpp"
#include "core/error.hpp"

namespace toptheta::app {

namespace {

bool is_flag(const CLI::Option& option) {
  return option.get_expected_max() == 0 || option.get_type_size() == 0;
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

void require_known(const CLI::App& program, const TomlEntry& entry, const std::string& where) {
  const std::vector<const CLI::App*> commands = program.get_subcommands(
      [&](const CLI::App* app) { return entry.section.empty() || app->get_name() == entry.section; });
  if (commands.empty())
    throw UsageError({.where = where,
                      .what = fmt::format("no subcommand '{}'", entry.section),
                      .next = fmt::format("name the section after a subcommand that {} --help lists",
                                          program.get_name())});
  const bool known = std::any_of(commands.begin(), commands.end(), [&](const CLI::App* command) {
    return option_of(*command, entry.key) != nullptr;
  });
  if (!known)
    throw UsageError({.where = where,
                      .what = fmt::format("unknown key '{}'", entry.key),
                      .expected = "the long name of a flag",
                      .next = fmt::format("{} {} --print-config lists them", program.get_name(),
                                          entry.section.empty() ? "SUBCOMMAND" : entry.section)});
}

void append_flag(const CLI::Option& option, const TomlEntry& entry, const std::string& where,
                 std::vector<std::string>& arguments) {
  if (entry.array || (entry.values[0] != "true" && entry.values[0] != "false"))
    throw UsageError({.where = where,
                      .what = fmt::format("'{}' is a switch", entry.key),
                      .expected = "true or false",
                      .found = fmt::format("{}", fmt::join(entry.values, ", "))});
  if (entry.values[0] == "true") arguments.push_back("--" + option.get_lnames().front());
}

// An array for a flag that takes a single value is its comma-separated list: k = [16, 32] is --k 16,32.
std::vector<std::string> values_for(const CLI::Option& option, const TomlEntry& entry) {
  if (option.get_expected_max() > 1 || !entry.array) return entry.values;
  return {fmt::format("{}", fmt::join(entry.values, ","))};
}

}  // namespace

std::vector<std::string> config_arguments(const CLI::App& program, const CLI::App& command,
                                          const std::filesystem::path& file) {
  std::vector<std::string> arguments;
  std::vector<std::string> positionals;
  std::vector<const CLI::Option*> settled;
  // Sections first: what is said for one subcommand beats what is said for all.
  std::vector<TomlEntry> entries = read_toml(file);
  std::stable_partition(entries.begin(), entries.end(),
                        [](const TomlEntry& entry) { return !entry.section.empty(); });
  for (const TomlEntry& entry : entries) {
    const std::string where = fmt::format("{}:{}", file.string(), entry.line);
    require_known(program, entry, where);
    if (!entry.section.empty() && entry.section != command.get_name()) continue;
    const CLI::Option* option = option_of(command, entry.key);
    if (option == nullptr || option->count() > 0) continue;
    if (std::find(settled.begin(), settled.end(), option) != settled.end()) continue;
    settled.push_back(option);
    if (is_flag(*option)) {
      append_flag(*option, entry, where, arguments);
      continue;
    }
    for (const std::string& value : values_for(*option, entry)) {
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
    if (is_flag(*option))
      text += fmt::format("{} = {}\n", name, option->count() > 0 ? "true" : "false");
    else if (values.empty())
      text += fmt::format("# {} =\n", name);
    else if (values.size() == 1)
      text += fmt::format("{} = {}\n", name, toml_value(values.front()));
    else {
      for (std::string& value : values)
        value = toml_value(value);
      text += fmt::format("{} = [{}]\n", name, fmt::join(values, ", "));
    }
  }
  return text;
}

}  // namespace toptheta::app
