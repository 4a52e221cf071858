#include "theta/formats/json_fields.hpp"

#include <fmt/format.h>

#include <limits>

#include "core/error.hpp"

namespace toptheta {

namespace {

// A type for people, with the value where it is short.
std::string describe(const nlohmann::json& value) {
  if (value.is_object() || value.is_array())
    return fmt::format("an {} of {}", value.is_object() ? "object" : "array", value.size());
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 60) + "...";
  return text;
}

[[noreturn]] void wrong_type(const nlohmann::json& value, const char* expected, const std::string& where) {
  throw InputError({.where = where, .what = "wrong type", .expected = expected, .found = describe(value)});
}

}  // namespace

const nlohmann::json& json_field(const nlohmann::json& object, const std::string& name,
                                 const std::string& where) {
  if (!object.is_object()) wrong_type(object, "an object", where);
  const auto found = object.find(name);
  if (found == object.end())
    throw InputError(
        {.where = where, .what = fmt::format("'{}' is missing", name), .found = describe(object)});
  return *found;
}

const nlohmann::json& json_array(const nlohmann::json& object, const std::string& name,
                                 const std::string& where) {
  const nlohmann::json& value = json_field(object, name, where);
  if (!value.is_array()) wrong_type(value, "an array", where + "/" + name);
  return value;
}

std::string json_text(const nlohmann::json& object, const std::string& name, const std::string& where) {
  const nlohmann::json& value = json_field(object, name, where);
  if (!value.is_string()) wrong_type(value, "a string", where + "/" + name);
  return value.get<std::string>();
}

double json_number(const nlohmann::json& object, const std::string& name, const std::string& where) {
  return number_of(json_field(object, name, where), where + "/" + name);
}

std::int64_t json_integer(const nlohmann::json& object, const std::string& name, const std::string& where) {
  return integer_of(json_field(object, name, where), where + "/" + name);
}

bool json_bool(const nlohmann::json& object, const std::string& name, const std::string& where) {
  const nlohmann::json& value = json_field(object, name, where);
  if (!value.is_boolean()) wrong_type(value, "true or false", where + "/" + name);
  return value.get<bool>();
}

std::int64_t integer_of(const nlohmann::json& value, const std::string& where) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest))
    wrong_type(value, "a whole number", where);
  return value.get<std::int64_t>();
}

double number_of(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number()) wrong_type(value, "a number", where);
  return value.get<double>();
}

}  // namespace toptheta
