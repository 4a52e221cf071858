// A value inside a JSON file that knows its own name, so that every complaint about it says where it stands.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// A view: the JSON document must outlive it. All accessors throw InputError, located at "FILE: a.b[3]", when
// the value is missing or of another type.
class JsonField {
 public:
  // `source` is the file, with a line where there is one; `path` is the value's name, empty for the whole
  // document.
  // `notes`, where given, learns what name_unread finds, here and in all values below.
  JsonField(const nlohmann::json& value, std::string source, std::string path = "",
            std::vector<std::string>* notes = nullptr)
      : value_(&value), source_(std::move(source)), path_(std::move(path)), notes_(notes) {}

  [[nodiscard]] const nlohmann::json& json() const { return *value_; }
  [[nodiscard]] std::string where() const;  // "FILE: a.b[3]", or "FILE" for the whole document
  [[nodiscard]] bool is_null() const { return value_->is_null(); }

  // A member of an object; `at` requires it, `find` gives nothing where it is absent or null.
  [[nodiscard]] JsonField at(std::string_view key) const;
  [[nodiscard]] std::optional<JsonField> find(std::string_view key) const;
  // The elements of an array.
  [[nodiscard]] std::vector<JsonField> elements() const;

  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;

  // A member that may be absent or null.
  [[nodiscard]] bool bool_or(std::string_view key, bool absent) const;
  [[nodiscard]] std::string string_or(std::string_view key, std::string_view absent) const;

  // Adds to the notes that stand for the whole document: every key of this object that is not among `known`,
  // and not null.
  void name_unread(std::initializer_list<std::string_view> known) const;
  // Adds a sentence about this value to them.
  void note(const std::string& what) const;

  // Throws InputError at this value. What stands there is quoted, shortened.
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
