// A value inside a JSON file that knows its own place, so that every error about it can name that place.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// This is a view; the JSON document must outlive it. All accessors throw InputError at "FILE: a.b[3]" if the
// value is missing or of another type.
class JsonField {
 public:
  // `source` is the file, with the line number in a file of lines; `path` is the value's place in the
  // document, empty for the whole document. If `notes` is given, name_unread() and note() add to it, here and
  // in all values below.
  JsonField(const nlohmann::json& value, std::string source, std::string path = "",
            std::vector<std::string>* notes = nullptr)
      : value_(&value), source_(std::move(source)), path_(std::move(path)), notes_(notes) {}

  [[nodiscard]] const nlohmann::json& json() const { return *value_; }
  [[nodiscard]] std::string where() const;  // "FILE: a.b[3]", or "FILE" for the whole document
  [[nodiscard]] bool is_null() const { return value_->is_null(); }

  // A member of an object. at() requires it; find() returns nullopt if it is absent or null.
  [[nodiscard]] JsonField at(std::string_view key) const;
  [[nodiscard]] std::optional<JsonField> find(std::string_view key) const;
  // The elements of an array.
  [[nodiscard]] std::vector<JsonField> elements() const;

  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;

  // The value of a member, or `absent` if there is none or it is null.
  [[nodiscard]] bool bool_or(std::string_view key, bool absent) const;
  [[nodiscard]] std::string string_or(std::string_view key, std::string_view absent) const;

  // Adds a note for every key of this object that is not among `known` and not null.
  void name_unread(std::initializer_list<std::string_view> known) const;
  // Adds a note about this value.
  void note(const std::string& what) const;

  // Throws InputError at this value, which is quoted in shortened form.
  [[noreturn]] void fail(const std::string& what, const std::string& expected = "",
                         const std::string& next = "") const;

 private:
  void require(bool holds, const char* type) const;

  const nlohmann::json* value_;
  std::string source_;
  std::string path_;
  std::vector<std::string>* notes_;
};

}  // namespace toptheta
