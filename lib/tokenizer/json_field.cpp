#include "tokenizer/json_field.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"

namespace toptheta {
namespace {

constexpr std::size_t kQuoted = 60;  // bytes of a value that an error shows

std::string quote(const nlohmann::json& value) {
  if (value.is_structured() && value.size() > 8) {
    return fmt::format("{} with {} elements", value.is_array() ? "an array" : "an object", value.size());
  }
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() <= kQuoted) return text;
  std::size_t end = kQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;  // not inside a character
  return text.substr(0, end) + "...";
}

}  // namespace

std::string JsonField::where() const {
  return path_.empty() ? source_ : source_ + ": " + path_;
}

void JsonField::fail(const std::string& what, const std::string& expected, const std::string& next) const {
  throw InputError(
      {.where = where(), .what = what, .expected = expected, .found = quote(*value_), .next = next});
}

void JsonField::name_unread(std::initializer_list<std::string_view> known) const {
  require(value_->is_object(), "an object");
  if (notes_ == nullptr) return;
  for (const auto& [key, value] : value_->items()) {
    if (!value.is_null() && std::ranges::find(known, key) == known.end()) at(key).note("not used");
  }
}

void JsonField::note(const std::string& what) const {
  if (notes_ != nullptr) notes_->push_back(fmt::format("{}: {} ({})", where(), what, quote(*value_)));
}

void JsonField::require(bool holds, const char* type) const {
  if (!holds) fail("wrong type", type);
}

JsonField JsonField::at(std::string_view key) const {
  require(value_->is_object(), "an object");
  const auto found = value_->find(key);
  const std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  if (found == value_->end()) throw InputError({.where = source_ + ": " + path, .what = "missing field"});
  return {*found, source_, path, notes_};
}

std::optional<JsonField> JsonField::find(std::string_view key) const {
  require(value_->is_object(), "an object");
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return at(key);
}

std::vector<JsonField> JsonField::elements() const {
  require(value_->is_array(), "an array");
  std::vector<JsonField> fields;
  fields.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    fields.emplace_back((*value_)[i], source_, fmt::format("{}[{}]", path_, i), notes_);
  }
  return fields;
}

const std::string& JsonField::as_string() const {
  require(value_->is_string(), "a string");
  return value_->get_ref<const std::string&>();
}

bool JsonField::as_bool() const {
  require(value_->is_boolean(), "true or false");
  return value_->get<bool>();
}

std::int64_t JsonField::as_int() const {
  const bool too_large = value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX;
  require(value_->is_number_integer() && !too_large, "an integer");
  return value_->get<std::int64_t>();
}

bool JsonField::bool_or(std::string_view key, bool absent) const {
  const auto field = find(key);
  return field ? field->as_bool() : absent;
}

std::string JsonField::string_or(std::string_view key, std::string_view absent) const {
  const auto field = find(key);
  return field ? field->as_string() : std::string(absent);
}

}  // namespace toptheta
