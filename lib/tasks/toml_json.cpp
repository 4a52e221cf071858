#include "tasks/toml_json.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "core/error.hpp"
#include "io/text_file.hpp"

namespace toptheta {
namespace {

nlohmann::json json_of(const toml::node& node, const std::string& file) {
  if (const auto* table = node.as_table()) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [key, value] : *table)
      object[std::string(key.str())] = json_of(value, file);
    return object;
  }
  if (const auto* array = node.as_array()) {
    nlohmann::json list = nlohmann::json::array();
    for (const toml::node& element : *array)
      list.push_back(json_of(element, file));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* truth = node.as_boolean()) return truth->get();
  throw InputError({.where = fmt::format("{}:{}", file, node.source().begin.line),
                    .what = "a date or time",
                    .expected = "a text, a number, true or false, a list or a table"});
}

}  // namespace

nlohmann::json read_toml_as_json(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  try {
    return json_of(toml::parse(text), path.string());
  } catch (const toml::parse_error& error) {
    throw InputError({.where = fmt::format("{}:{}", path.string(), error.source().begin.line),
                      .what = fmt::format("not TOML: {}", error.description()),
                      .next = "see docs/tasks.md for the form of a task file"});
  }
}

}  // namespace toptheta
