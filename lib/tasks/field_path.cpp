#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tasks/template.hpp"

namespace toptheta {
namespace {

constexpr std::int64_t kAll = -1;

bool is_scalar(const nlohmann::json& value) {
  return value.is_string() || value.is_number() || value.is_boolean();
}

[[noreturn]] void refuse_path(std::string_view text, const std::string& where) {
  throw InputError({.where = where,
                    .what = "not a field's path",
                    .expected = "names separated by dots, as in choices.text, choices[].text or choices[0]",
                    .found = "\"" + std::string(text) + "\""});
}

}  // namespace

FieldPath FieldPath::parse(std::string_view text, const std::string& where) {
  FieldPath path;
  path.text_ = text;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '[') {
      const std::size_t end = text.find(']', at);
      if (end == std::string_view::npos || path.parts_.empty()) refuse_path(text, where);
      const std::string_view digits = text.substr(at + 1, end - at - 1);
      std::int64_t index = kAll;
      if (!digits.empty()) {
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
        if (error != std::errc{} || stop != digits.data() + digits.size() || index < 0)
          refuse_path(text, where);
      }
      path.parts_.push_back({"", index});
      at = end + 1;
      if (at < text.size() && text[at] != '.' && text[at] != '[') refuse_path(text, where);
      continue;
    }
    if (!path.parts_.empty()) {
      if (text[at] != '.') refuse_path(text, where);
      ++at;
    }
    const std::size_t end = std::min(text.find_first_of(".[", at), text.size());
    if (end == at) refuse_path(text, where);
    path.parts_.push_back({std::string(text.substr(at, end - at)), 0});
    at = end;
  }
  if (path.parts_.empty()) refuse_path(text, where);
  return path;
}

bool FieldPath::is_list() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.key.empty() && part.index == kAll; });
}

bool FieldPath::is_in(const nlohmann::json& line) const {
  std::vector<const nlohmann::json*> values = {&line};
  for (const Part& part : parts_) {
    std::vector<const nlohmann::json*> next;
    for (const nlohmann::json* value : values) {
      if (!part.key.empty()) {
        if (!value->is_object() || !value->contains(part.key)) return false;
        next.push_back(&value->at(part.key));
      } else if (!value->is_array()) {
        return false;
      } else if (part.index == kAll) {
        for (const nlohmann::json& element : *value)
          next.push_back(&element);
      } else {
        if (value->size() <= static_cast<std::size_t>(part.index)) return false;
        next.push_back(&value->at(static_cast<std::size_t>(part.index)));
      }
    }
    values = std::move(next);
  }
  const bool elements = parts_.back().key.empty();
  return std::ranges::all_of(values, [elements](const nlohmann::json* value) {
    return elements ? is_scalar(*value) : !value->is_null();
  });
}

std::vector<JsonValue> FieldPath::follow(const JsonValue& line, bool& is_list) const {
  std::vector<JsonValue> values = {line};
  is_list = false;
  const auto spread = [&values, &is_list] {
    std::vector<JsonValue> next;
    for (const JsonValue& value : values)
      for (JsonValue& element : value.elements())
        next.push_back(std::move(element));
    is_list = true;
    values = std::move(next);
  };
  for (const Part& part : parts_) {
    if (!part.key.empty()) {
      for (JsonValue& value : values)
        value = value.at(part.key);
    } else if (part.index == kAll) {
      spread();
    } else {
      for (JsonValue& value : values) {
        const auto elements = value.elements();
        if (elements.size() <= static_cast<std::size_t>(part.index)) value.fail("the list is too short");
        value = elements[static_cast<std::size_t>(part.index)];
      }
    }
  }
  if (!is_list && values.front().is_list()) spread();
  return values;
}

}  // namespace toptheta
