// The fields of a config.json: values of lib/io's one JSON reader, with the messages that families need.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "io/json_reader.hpp"

namespace toptheta {

// One object of the file. A null counts as absent, as in Hugging Face's own files. Every access to a field
// marks it as used. Functions that read a value throw InputError naming the file, the field's path and what
// was expected if the value has the wrong type or is out of range, and if it is missing, unless the name ends
// in _or.
class ConfigFields {
 public:
  // Parses the file, which must hold one object.
  explicit ConfigFields(const std::filesystem::path& path);

  [[nodiscard]] std::optional<JsonValue> find(const std::string& name) const { return object_.find(name); }
  [[nodiscard]] bool has(const std::string& name) const { return find(name).has_value(); }
  // Whether the field is there and null, for fields where that differs from being absent.
  [[nodiscard]] bool is_null(const std::string& name) const { return object_.is_null(name); }
  // "FILE:rope_scaling.factor".
  [[nodiscard]] std::string where(const std::string& name) const { return object_.where(name); }

  [[nodiscard]] std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::int64_t integer_or(const std::string& name, std::int64_t low, std::int64_t high,
                                        std::int64_t absent) const;
  [[nodiscard]] double number_or(const std::string& name, double low, double high, double absent) const;
  [[nodiscard]] double positive(const std::string& name) const;
  [[nodiscard]] double positive_or(const std::string& name, double absent) const;
  [[nodiscard]] bool flag_or(const std::string& name, bool absent) const;
  [[nodiscard]] std::string text_or(const std::string& name, const std::string& absent) const;
  // A number or a list of numbers; empty if absent.
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& name, std::int64_t low,
                                                   std::int64_t high) const;
  // A list of numbers above 0, which must be there.
  [[nodiscard]] std::vector<double> positives(const std::string& name) const;
  // A list of strings; empty if absent.
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  // The object of that name, which must be there.
  [[nodiscard]] ConfigFields object(const std::string& name) const;

  // Throws unless the field is absent or has this value, the only one that this program computes.
  void only(const std::string& name, bool value) const;
  // Marks the field, present or not, as known and without effect here.
  void ignore(const std::string& name) const { object_.ignore(name); }

  // The places of the fields that nobody has looked at. An object that nobody has opened is listed as one.
  [[nodiscard]] std::vector<std::string> unused() const { return object_.unread_places(); }

  // Throws InputError at the field. refuse() shows the field's value as what was found.
  [[noreturn]] void fail(const std::string& name, const std::string& what, const std::string& expected,
                         const std::string& found, const std::string& next = "") const;
  [[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& expected,
                           const std::string& next = "") const;

 private:
  explicit ConfigFields(JsonValue object);
  // The field's value; throws if it is missing.
  [[nodiscard]] JsonValue required(const std::string& name, const std::string& expected) const;

  JsonValue object_;
};

}  // namespace toptheta
