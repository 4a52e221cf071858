// What a sweep's configuration may hold, and its values one by one.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "attention/policies/unit.hpp"
#include "common/config.hpp"
#include "common/suggestion.hpp"
#include "core/error.hpp"
#include "tt_eval/sweep_cells.hpp"
#include "tt_eval/sweep_parse.hpp"
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

namespace {

// Flags of run that a sweep has no use for, and why.
struct Misplaced {
  std::string_view key;
  const char* why;
};
constexpr const char* kRunAlone =
    "a sweep only keeps results; the provenance of every cell has the tt-eval run command to which this flag "
    "can be added";
constexpr std::array<Misplaced, 11> kMisplaced = {
    {{"output", "a sweep writes its cells under -o DIR"},
     {"format", "cells are JSON"},
     {"overview", "cells are JSON"},
     {"samples", kRunAlone},
     {"json", kRunAlone},
     {"log-samples", kRunAlone},
     {"fail-if", "use tt-eval compare DIR --fail-if, which checks all cells"},
     {"dry-run", "give --dry-run on the command line"},
     {"resume", "give --resume on the command line"},
     {"config", "settings of the program belong in another file: give --config on the command line"},
     {"threads", "it says how to run, not what: give --threads on the command line"}}};

std::vector<std::string> known_keys(const RunParser& parser) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : parser.app.get_options({}))
    for (const std::string& name : option->get_lnames())
      if (name != "help" && std::ranges::find(kMisplaced, name, &Misplaced::key) == kMisplaced.end())
        keys.push_back(name);
  return keys;
}

void require_known(const SweepSetting& setting, const RunParser& parser) {
  const auto misplaced = std::ranges::find(kMisplaced, setting.key, &Misplaced::key);
  if (misplaced != kMisplaced.end())
    throw UsageError({.where = setting.where,
                      .what = fmt::format("'{}' has no place in [sweep]", setting.key),
                      .next = misplaced->why});
  const std::vector<std::string> keys = known_keys(parser);
  if (std::ranges::find(keys, setting.key) != keys.end()) return;
  const std::string nearest = nearest_name(setting.key, keys);
  throw UsageError(
      {.where = setting.where,
       .what = fmt::format("unknown key '{}'", setting.key),
       .expected = "the long name of a flag of tt-eval run",
       .next = nearest.empty() ? "tt-eval run -h lists them" : fmt::format("did you mean {}?", nearest)});
}

// "16-256*2" as its numbers, where the flag counts something.
void write_out_ranges(SweepSetting& setting, const RunParser& parser) {
  const std::string type = parser.app.get_option("--" + setting.key)->get_type_name();
  if (setting.key != "k" && type != "N") return;
  std::vector<std::string> values;
  for (const std::string& value : setting.values) {
    if (setting.key != "k" && value.find_first_of(",*+-") == std::string::npos) {
      values.push_back(value);
      continue;
    }
    for (const std::int64_t number : parse_number_list(value, setting.where + ": " + setting.key))
      values.push_back(fmt::format("{}", number));
  }
  setting.values = std::move(values);
}

// Every value as run would take it alone.
void check_values(const SweepSetting& setting) {
  for (const std::string& value : setting.values)
    try {
      const RunFlags flags = parse_settings({{setting.key, value}}).first;
      if (setting.key == "attention") (void)resolve_policies(flags.policies);
      if (setting.key == "layer-k") (void)parse_layer_k(value);
      if (setting.key == "tile") (void)evaluation_options(flags, 0);
    } catch (const UsageError& error) {
      Problem problem = error.problem();
      problem.where = fmt::format("{}: {}", setting.where, setting.key);
      throw UsageError(problem);
    }
}

const SweepSetting* setting_named(const std::vector<SweepSetting>& settings, std::string_view key) {
  const auto found = std::ranges::find(settings, key, &SweepSetting::key);
  return found == settings.end() ? nullptr : &*found;
}

// What run does where it is not told.
void add_defaults(std::vector<SweepSetting>& settings) {
  if (setting_named(settings, "attention") == nullptr) {
    SweepSetting attention{"attention", {"dense"}, true, {}};
    if (setting_named(settings, "k") != nullptr) attention.values.emplace_back("topk");
    if (setting_named(settings, "thresholds") != nullptr) attention.values.emplace_back("theta");
    settings.insert(settings.begin(), attention);
  }
  if (setting_named(settings, "task") != nullptr) return;
  if (const SweepSetting* const model = setting_named(settings, "model"))
    throw UsageError({.where = model->where,
                      .what = "model needs a task to be evaluated on",
                      .next = "add task = [\"FILE\"]: texts (.txt) or data sets (JSON Lines)"});
  SweepSetting task{"task", {}, true, {}};
  for (const std::filesystem::path& path : embedded_tasks())
    task.values.push_back(path.string());
  settings.insert(settings.begin(), task);
}

}  // namespace

std::pair<RunFlags, std::uint64_t> parse_settings(
    const std::vector<std::pair<std::string, std::string>>& settings, std::uint64_t seed) {
  RunParser parser(seed);
  std::vector<std::string> arguments;
  for (const auto& [key, value] : settings) {
    if (!is_switch(*parser.app.get_option("--" + key))) {
      arguments.push_back(fmt::format("--{}={}", key, value));
      continue;
    }
    if (value != "true" && value != "false")
      throw UsageError({.where = key, .what = "is a switch", .expected = "true or false", .found = value});
    if (value == "true") arguments.push_back("--" + key);
  }
  std::ranges::reverse(arguments);
  try {
    parser.app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw UsageError(
        {.where = settings.front().first, .what = error.what(), .next = "see tt-eval run --help"});
  }
  return {parser.flags, parser.seed};
}

std::vector<SweepSetting> resolved_settings(const std::vector<SweepSetting>& settings) {
  std::vector<SweepSetting> resolved = settings;
  const RunParser parser(0);
  for (SweepSetting& setting : resolved) {
    require_known(setting, parser);
    write_out_ranges(setting, parser);
    check_values(setting);
  }
  add_defaults(resolved);
  return resolved;
}

}  // namespace toptheta::app
