#include "model/config_fields.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace toptheta {

ConfigFields::ConfigFields(const std::filesystem::path& path) : ConfigFields(read_json_file(path)) {}

ConfigFields::ConfigFields(JsonValue object) : object_(std::move(object)) {
  if (!object_.is_object()) object_.fail("wrong type", "an object");
}

JsonValue ConfigFields::required(const std::string& name, const std::string& expected) const {
  const std::optional<JsonValue> value = find(name);
  if (!value) fail(name, "missing field", expected, "nothing");
  return *value;
}

std::int64_t ConfigFields::integer(const std::string& name, std::int64_t low, std::int64_t high) const {
  return required(name, fmt::format("a whole number from {} to {}", low, high)).integer(low, high);
}

std::int64_t ConfigFields::integer_or(const std::string& name, std::int64_t low, std::int64_t high,
                                      std::int64_t absent) const {
  return object_.integer_or(name, low, high, absent);
}

double ConfigFields::number_or(const std::string& name, double low, double high, double absent) const {
  const std::optional<JsonValue> value = find(name);
  if (!value) return absent;
  const double number = value->number();
  if (number < low || number > high)
    value->fail("impossible value", fmt::format("a number from {} to {}", low, high));
  return number;
}

double ConfigFields::positive(const std::string& name) const {
  return required(name, "a number above 0").positive();
}

double ConfigFields::positive_or(const std::string& name, double absent) const {
  return object_.positive_or(name, absent);
}

bool ConfigFields::flag_or(const std::string& name, bool absent) const {
  return object_.flag_or(name, absent);
}

std::string ConfigFields::text_or(const std::string& name, const std::string& absent) const {
  return object_.text_or(name, absent);
}

std::vector<std::int64_t> ConfigFields::integers(const std::string& name, std::int64_t low,
                                                 std::int64_t high) const {
  std::vector<std::int64_t> numbers;
  const std::optional<JsonValue> value = find(name);
  if (!value) return numbers;
  if (!value->is_list()) return {value->integer(low, high)};
  for (const JsonValue& one : value->elements())
    numbers.push_back(one.integer(low, high));
  return numbers;
}

std::vector<double> ConfigFields::positives(const std::string& name) const {
  std::vector<double> numbers;
  for (const JsonValue& one : required(name, "a list of numbers above 0").elements())
    numbers.push_back(one.positive());
  return numbers;
}

std::vector<std::string> ConfigFields::texts(const std::string& name) const {
  const std::optional<JsonValue> value = find(name);
  return value ? value->texts() : std::vector<std::string>{};
}

ConfigFields ConfigFields::object(const std::string& name) const {
  return ConfigFields(required(name, "an object"));
}

void ConfigFields::only(const std::string& name, bool value) const {
  if (flag_or(name, value) != value)
    fail(name, "this is not computed", value ? "true" : "false", value ? "false" : "true");
}

void ConfigFields::fail(const std::string& name, const std::string& what, const std::string& expected,
                        const std::string& found, const std::string& next) const {
  throw InputError({.where = where(name), .what = what, .expected = expected, .found = found, .next = next});
}

void ConfigFields::refuse(const std::string& name, const std::string& what, const std::string& expected,
                          const std::string& next) const {
  const std::optional<JsonValue> value = find(name);
  fail(name, what, expected, value ? value->shown() : "nothing", next);
}

}  // namespace toptheta
