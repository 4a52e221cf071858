#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "io/json_document.hpp"
#include "io/json_reader.hpp"

namespace toptheta {

namespace {

using nlohmann::json;

bool is_plain(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// Appends the path from `from` to `target` to `path` and returns true, or leaves `path` as it was. What was
// read whole is looked into only if `into_whole`. Recurses as deep as the document is nested.
bool find_path(const JsonDocument& document, const json& from, const json* target, bool into_whole,
               std::string& path) {
  if (&from == target) return true;
  const auto mark = document.marks.find(&from);
  if (!into_whole && mark != document.marks.end() && mark->second == JsonDocument::Mark::whole) return false;
  const std::string before = path;
  if (from.is_object()) {
    for (const auto& [key, value] : from.items()) {
      if (&value == target || value.is_structured()) {
        path = json_path_to_key(before, key);
        if (find_path(document, value, target, into_whole, path)) return true;
      }
    }
  } else if (from.is_array()) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (&from[i] == target || from[i].is_structured()) {
        path = json_path_to_element(before, i);
        if (find_path(document, from[i], target, into_whole, path)) return true;
      }
    }
  }
  path = before;
  return false;
}

// The path of a value. What was read whole, such as a vocabulary of 250,000 words, is searched last: what was
// read name by name stands elsewhere.
std::string path_of(const JsonDocument& document, const json* value) {
  std::string path;
  if (!find_path(document, document.root, value, false, path))
    find_path(document, document.root, value, true, path);
  return path;
}

std::string source_of(const JsonDocument& document, std::int64_t line) {
  return line > 0 ? fmt::format("{}:line {}", document.source, line) : document.source;
}

}  // namespace

std::string json_path_to_key(const std::string& path, std::string_view key) {
  if (!is_plain(key)) return fmt::format("{}[\"{}\"]", path, printable(shortened(key)));
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string json_path_to_element(const std::string& path, std::size_t index) {
  return fmt::format("{}[{}]", path, index);
}

std::string json_place(const std::string& source, const std::string& path) {
  return path.empty() ? source : fmt::format("{}:{}", source, path);
}

JsonValue::JsonValue(std::shared_ptr<JsonDocument> document, const json& value)
    : document_(std::move(document)), value_(&value) {}

JsonValue document_value(std::shared_ptr<JsonDocument> document) {
  const json& root = document->root;
  return {std::move(document), root};
}

JsonValue json_value(json root, std::string source) {
  auto document = std::make_shared<JsonDocument>();
  document->source = std::move(source);
  document->root = std::move(root);
  return document_value(std::move(document));
}

std::int64_t JsonValue::line() const {
  const auto found = document_->lines.find(value_);
  return found == document_->lines.end() ? 0 : found->second;
}

std::string JsonValue::where() const {
  return json_place(source_of(*document_, line()), path_of(*document_, value_));
}

std::string JsonValue::where(std::string_view key) const {
  return json_place(source_of(*document_, line()), json_path_to_key(path_of(*document_, value_), key));
}

bool JsonValue::is_null() const {
  return value_->is_null();
}
bool JsonValue::is_object() const {
  return value_->is_object();
}
bool JsonValue::is_list() const {
  return value_->is_array();
}
bool JsonValue::is_text() const {
  return value_->is_string();
}
bool JsonValue::is_number() const {
  return value_->is_number();
}
bool JsonValue::is_integer() const {
  return value_->is_number_integer();
}
bool JsonValue::is_flag() const {
  return value_->is_boolean();
}

void JsonValue::require(bool holds, const char* type) const {
  if (!holds) fail("wrong type", type);
}

const std::string& JsonValue::text() const {
  require(value_->is_string(), "a string");
  return value_->get_ref<const std::string&>();
}

bool JsonValue::flag() const {
  require(value_->is_boolean(), "true or false");
  return value_->get<bool>();
}

std::int64_t JsonValue::integer(std::int64_t low, std::int64_t high) const {
  const auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits =
      value_->is_number_unsigned() ? value_->get<std::uint64_t>() <= largest : value_->is_number_integer();
  const bool any = low == std::numeric_limits<std::int64_t>::min();
  if (!fits || value_->get<std::int64_t>() < low || value_->get<std::int64_t>() > high)
    fail(value_->is_number() ? "impossible value" : "wrong type",
         any ? "a whole number" : fmt::format("a whole number from {} to {}", low, high));
  return value_->get<std::int64_t>();
}

std::uint64_t JsonValue::unsigned_integer() const {
  require(value_->is_number_unsigned(), "a whole number of at least 0");
  return value_->get<std::uint64_t>();
}

double JsonValue::number() const {
  require(value_->is_number(), "a number");
  return value_->get<double>();
}

double JsonValue::positive() const {
  require(value_->is_number(), "a number above 0");
  if (value_->get<double>() <= 0) fail("impossible value", "a number above 0");
  return value_->get<double>();
}

std::size_t JsonValue::size() const {
  require(value_->is_structured(), "a list or an object");
  return value_->size();
}

std::vector<JsonValue> JsonValue::elements() const {
  require(value_->is_array(), "a list");
  std::vector<JsonValue> values;
  values.reserve(value_->size());
  for (const json& value : *value_)
    values.push_back(JsonValue(document_, value));
  return values;
}

std::vector<std::string> JsonValue::texts() const {
  std::vector<std::string> texts;
  for (const JsonValue& element : elements())
    texts.push_back(element.text());
  return texts;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  require(value_->is_object(), "an object");
  auto& mark = document_->marks[value_];
  mark = std::max(mark, JsonDocument::Mark::listed);
  std::vector<std::pair<std::string, JsonValue>> members;
  members.reserve(value_->size());
  for (const auto& [key, value] : value_->items())
    members.emplace_back(key, JsonValue(document_, value));
  return members;
}

const json* JsonValue::member(std::string_view key) const {
  require(value_->is_object(), "an object");
  const auto& object = value_->get_ref<const json::object_t&>();
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  document_->marks.emplace(&found->second, JsonDocument::Mark::asked);
  return found->second.is_null() ? nullptr : &found->second;
}

bool JsonValue::has(std::string_view key) const {
  require(value_->is_object(), "an object");
  const auto& object = value_->get_ref<const json::object_t&>();
  const auto found = object.find(key);
  return found != object.end() && !found->second.is_null();
}

bool JsonValue::is_null(std::string_view key) const {
  require(value_->is_object(), "an object");
  const auto& object = value_->get_ref<const json::object_t&>();
  const auto found = object.find(key);
  return found != object.end() && found->second.is_null();
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  const json* found = member(key);
  if (found == nullptr) return std::nullopt;
  return JsonValue(document_, *found);
}

JsonValue JsonValue::at(std::string_view key) const {
  const json* found = member(key);
  if (found == nullptr) throw InputError({.where = where(key), .what = "missing field"});
  return {document_, *found};
}

JsonValue JsonValue::object(std::string_view key) const {
  JsonValue value = at(key);
  value.require(value.is_object(), "an object");
  return value;
}

std::string JsonValue::text_or(std::string_view key, std::string_view absent) const {
  const auto value = find(key);
  return value ? value->text() : std::string(absent);
}

bool JsonValue::flag_or(std::string_view key, bool absent) const {
  const auto value = find(key);
  return value ? value->flag() : absent;
}

std::int64_t JsonValue::integer_or(std::string_view key, std::int64_t low, std::int64_t high,
                                   std::int64_t absent) const {
  const auto value = find(key);
  return value ? value->integer(low, high) : absent;
}

double JsonValue::number_or(std::string_view key, double absent) const {
  const auto value = find(key);
  return value ? value->number() : absent;
}

double JsonValue::positive_or(std::string_view key, double absent) const {
  const auto value = find(key);
  return value ? value->positive() : absent;
}

void JsonValue::ignore(std::string_view key) const {
  require(value_->is_object(), "an object");
  const auto& object = value_->get_ref<const json::object_t&>();
  const auto found = object.find(key);
  if (found != object.end()) document_->marks[&found->second] = JsonDocument::Mark::whole;
}

void JsonValue::ignore(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys)
    ignore(key);
}

const json& JsonValue::raw() const {
  document_->marks[value_] = JsonDocument::Mark::whole;
  return *value_;
}

std::vector<std::string> JsonValue::unread_keys() const {
  std::vector<std::string> keys;
  list_unread("", [&keys](std::string path, const JsonValue& /*value*/) { keys.push_back(std::move(path)); });
  return keys;
}

std::vector<std::string> JsonValue::unread_places() const {
  std::vector<std::string> places;
  list_unread(path_of(*document_, value_), [&](const std::string& path, const JsonValue& value) {
    if (!value.is_null()) places.push_back(json_place(source_of(*document_, value.line()), path));
  });
  return places;
}

std::vector<std::string> JsonValue::unread_notes() const {
  std::vector<std::string> notes;
  list_unread(path_of(*document_, value_), [&](const std::string& path, const JsonValue& value) {
    if (!value.is_null())
      notes.push_back(fmt::format("{}: not used ({})", json_place(source_of(*document_, value.line()), path),
                                  value.shown()));
  });
  return notes;
}

void JsonValue::list_unread(const std::string& path,
                            const std::function<void(std::string, const JsonValue&)>& list) const {
  const auto mark = document_->marks.find(value_);
  const bool marked = mark != document_->marks.end();
  if (marked && mark->second == JsonDocument::Mark::whole) return;
  if (value_->is_array()) {
    for (std::size_t i = 0; i < value_->size(); ++i)
      if ((*value_)[i].is_structured())
        JsonValue(document_, (*value_)[i]).list_unread(json_path_to_element(path, i), list);
  } else if (value_->is_object()) {
    const bool listed = marked && mark->second == JsonDocument::Mark::listed;
    for (const auto& [key, value] : value_->items()) {
      if (!listed && !document_->marks.contains(&value)) {
        list(json_path_to_key(path, key), JsonValue(document_, value));
      } else if (value.is_structured()) {
        JsonValue(document_, value).list_unread(json_path_to_key(path, key), list);
      }
    }
  }
}

std::string JsonValue::shown() const {
  constexpr std::size_t kMany = 8;
  if (value_->is_object()) return fmt::format("an object of {}", value_->size());
  if (value_->is_array() &&
      (value_->size() > kMany || std::any_of(value_->begin(), value_->end(),
                                             [](const nlohmann::json& v) { return v.is_structured(); })))
    return fmt::format("a list of {}", value_->size());
  if (value_->is_string())
    return fmt::format("\"{}\"", printable(shortened(value_->get_ref<const std::string&>())));
  return printable(shortened(value_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

void JsonValue::fail(const std::string& what, const std::string& expected, const std::string& next) const {
  throw InputError({.where = where(), .what = what, .expected = expected, .found = shown(), .next = next});
}

}  // namespace toptheta
