#include "sweep/config.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "core/error.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

constexpr const char* kForm = "[sweep], a table of tt-eval run's long flags: k = [16, 32]";

std::string place_of(const toml::node& node, const std::string& file) {
  return fmt::format("{}:{}", file, node.source().begin.line);
}

std::string value_text(const toml::node& node, const std::string& file) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  throw UsageError({.where = place_of(node, file),
                    .what = "not a value of a flag",
                    .expected = "a text, a number, true or false, or a list of these"});
}

SweepSetting setting_of(const toml::key& key, const toml::node& node, const std::string& file) {
  SweepSetting setting{
      std::string(key.str()), {}, false, fmt::format("{}:{}", file, key.source().begin.line)};
  if (const auto* list = node.as_array()) {
    setting.list = true;
    for (const toml::node& element : *list)
      setting.values.push_back(value_text(element, file));
  } else {
    setting.values.push_back(value_text(node, file));
  }
  if (setting.values.empty())
    throw UsageError({.where = setting.where,
                      .what = fmt::format("'{}' is an empty list, which gives no cells", setting.key),
                      .next = "give it a value, or leave it out"});
  return setting;
}

}  // namespace

std::vector<SweepSetting> parse_sweep_config(const std::string& text, const std::string& name) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw UsageError({.where = fmt::format("{}:{}", name, error.source().begin.line),
                      .what = fmt::format("not TOML: {}", error.description()),
                      .next = "see docs/sweep.md"});
  }
  for (const auto& [key, node] : root)
    if (key.str() != "sweep")
      throw UsageError({.where = fmt::format("{}:{}", name, key.source().begin.line),
                        .what = fmt::format("'{}' is outside [sweep]", key.str()),
                        .expected = kForm});
  const toml::table* const table = root["sweep"].as_table();
  if (table == nullptr || table->empty())
    throw UsageError({.where = name,
                      .what = table == nullptr ? "no table [sweep]" : "[sweep] is empty",
                      .expected = kForm,
                      .next = "see docs/sweep.md"});
  std::vector<std::pair<toml::source_position, SweepSetting>> placed;
  for (const auto& [key, node] : *table)
    placed.emplace_back(key.source().begin, setting_of(key, node, name));
  // The parser sorts keys by name; cells follow the order in which the user wrote the keys.
  std::ranges::stable_sort(placed, [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<SweepSetting> settings;
  settings.reserve(placed.size());
  for (auto& [position, setting] : placed)
    settings.push_back(std::move(setting));
  return settings;
}

std::vector<SweepSetting> read_sweep_config(const std::filesystem::path& path) {
  try {
    return parse_sweep_config(read_text_file(path), path.string());
  } catch (const InputError& error) {
    throw UsageError(error.problem());
  }
}

std::vector<std::vector<std::size_t>> cross(const std::vector<SweepSetting>& settings) {
  constexpr std::size_t kMost = 100000;
  std::vector<std::vector<std::size_t>> all = {{}};
  for (const SweepSetting& setting : settings) {
    if (all.size() * setting.values.size() > kMost)
      throw UsageError({.where = setting.where,
                        .what = fmt::format("more than {} combinations", kMost),
                        .next = "split the sweep"});
    std::vector<std::vector<std::size_t>> longer;
    for (const std::vector<std::size_t>& one : all)
      for (std::size_t value = 0; value < setting.values.size(); ++value) {
        longer.push_back(one);
        longer.back().push_back(value);
      }
    all = std::move(longer);
  }
  return all;
}

}  // namespace toptheta
