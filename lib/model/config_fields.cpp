#include "model/config_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/json_reader.hpp"

namespace toptheta {

using Json = nlohmann::json;

std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() &&
      std::any_of(value.begin(), value.end(), [](const Json& v) { return v.is_structured(); }))
    return "a nested list";
  constexpr std::size_t kLongest = 60;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

struct ConfigFields::Node {
  Json json;
  std::set<std::string> used;  // paths of the fields looked at, such as "rope_scaling.factor"
};

ConfigFields::ConfigFields(const std::string& path) : root_(std::make_shared<Node>()), path_(path) {
  root_->json = read_json_file(path).raw();
  if (!root_->json.is_object())
    throw InputError(
        {.where = path, .what = "wrong type", .expected = "an object", .found = shown(root_->json)});
  object_ = &root_->json;
}

ConfigFields::ConfigFields(std::shared_ptr<Node> root, const Json& object, std::string path,
                           std::string prefix)
    : root_(std::move(root)), object_(&object), path_(std::move(path)), prefix_(std::move(prefix)) {}

const Json* ConfigFields::find(const std::string& name) const {
  root_->used.insert(prefix_ + name);
  const auto at = object_->find(name);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

bool ConfigFields::is_null(const std::string& name) const {
  const auto at = object_->find(name);
  return at != object_->end() && at->is_null();
}

namespace {

bool fits(const Json& value, std::int64_t low, std::int64_t high) {
  // Compare as unsigned first, because a huge unsigned number would wrap to a negative one.
  const bool small = value.is_number_unsigned()
                         ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                         : value.is_number_integer();
  return small && value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
}

bool is_positive(const Json& value) {
  return value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() > 0;
}

constexpr const char* kPositive = "a number above 0";

}  // namespace

std::int64_t ConfigFields::integer(const std::string& name, std::int64_t low, std::int64_t high) const {
  const std::string expected = fmt::format("an integer from {} to {}", low, high);
  const Json* value = find(name);
  if (value == nullptr) fail(name, "missing field", expected, "nothing");
  if (!fits(*value, low, high)) fail(name, "impossible value", expected, shown(*value));
  return value->get<std::int64_t>();
}

std::int64_t ConfigFields::integer_or(const std::string& name, std::int64_t low, std::int64_t high,
                                      std::int64_t absent) const {
  return has(name) ? integer(name, low, high) : absent;
}

double ConfigFields::number(const std::string& name, double low, double high) const {
  const std::string expected = fmt::format("a number from {} to {}", low, high);
  const Json* value = find(name);
  if (value == nullptr) fail(name, "missing field", expected, "nothing");
  if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high))
    fail(name, "impossible value", expected, shown(*value));
  return value->get<double>();
}

double ConfigFields::positive(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) fail(name, "missing field", kPositive, "nothing");
  if (!is_positive(*value)) fail(name, "impossible value", kPositive, shown(*value));
  return value->get<double>();
}

double ConfigFields::positive_or(const std::string& name, double absent) const {
  return has(name) ? positive(name) : absent;
}

bool ConfigFields::flag_or(const std::string& name, bool absent) const {
  const Json* value = find(name);
  if (value == nullptr) return absent;
  if (!value->is_boolean()) fail(name, "wrong type", "true or false", shown(*value));
  return value->get<bool>();
}

std::string ConfigFields::text_or(const std::string& name, const std::string& absent) const {
  const Json* value = find(name);
  if (value == nullptr) return absent;
  if (!value->is_string()) fail(name, "wrong type", "a string", shown(*value));
  return value->get<std::string>();
}

std::vector<std::int64_t> ConfigFields::integers(const std::string& name, std::int64_t low,
                                                 std::int64_t high) const {
  std::vector<std::int64_t> numbers;
  const Json* value = find(name);
  if (value == nullptr) return numbers;
  const Json list = value->is_array() ? *value : Json::array({*value});
  for (const Json& one : list) {
    if (!fits(one, low, high))
      fail(name, "impossible value", fmt::format("an integer from {} to {}", low, high), shown(one));
    numbers.push_back(one.get<std::int64_t>());
  }
  return numbers;
}

std::vector<double> ConfigFields::positives(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) fail(name, "missing field", "a list of numbers", "nothing");
  std::vector<double> numbers;
  const bool right = value->is_array() && std::all_of(value->begin(), value->end(), is_positive);
  if (!right) fail(name, "impossible value", "a list of numbers above 0", shown(*value));
  for (const Json& one : *value)
    numbers.push_back(one.get<double>());
  return numbers;
}

std::vector<std::string> ConfigFields::texts(const std::string& name) const {
  const Json* value = find(name);
  std::vector<std::string> texts;
  if (value == nullptr) return texts;
  const bool right = value->is_array() &&
                     std::all_of(value->begin(), value->end(), [](const Json& v) { return v.is_string(); });
  if (!right) fail(name, "wrong type", "a list of strings", shown(*value));
  for (const Json& one : *value)
    texts.push_back(one.get<std::string>());
  return texts;
}

ConfigFields ConfigFields::object(const std::string& name) const {
  const Json* value = find(name);
  if (value == nullptr) fail(name, "missing field", "an object", "nothing");
  if (!value->is_object()) fail(name, "wrong type", "an object", shown(*value));
  return {root_, *value, path_, prefix_ + name + "."};
}

void ConfigFields::only(const std::string& name, bool value) const {
  if (flag_or(name, value) != value)
    fail(name, "this is not computed", value ? "true" : "false", value ? "false" : "true");
}

std::vector<std::string> ConfigFields::unused() const {
  std::vector<std::string> names;
  const auto& used = root_->used;
  for (const auto& [name, value] : object_->items()) {
    if (value.is_null()) continue;
    const std::string path = prefix_ + name;
    const auto inside = used.lower_bound(path + ".");
    const bool opened = inside != used.end() && inside->compare(0, path.size() + 1, path + ".") == 0;
    if (opened && value.is_object()) {
      const auto below = ConfigFields(root_, value, path_, path + ".").unused();
      names.insert(names.end(), below.begin(), below.end());
    } else if (used.count(path) == 0) {
      names.push_back(path);
    }
  }
  return names;
}

void ConfigFields::fail(const std::string& name, const std::string& what, const std::string& expected,
                        const std::string& found, const std::string& next) const {
  throw InputError({.where = path_ + ":" + prefix_ + name,
                    .what = what,
                    .expected = expected,
                    .found = found,
                    .next = next});
}

void ConfigFields::refuse(const std::string& name, const std::string& what,
                          const std::string& expected) const {
  const Json* value = find(name);
  fail(name, what, expected, value == nullptr ? "nothing" : shown(*value));
}

}  // namespace toptheta
