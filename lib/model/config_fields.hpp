// The fields of a JSON object, each checked when it is read, and a record of those that nobody read.
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace toptheta {

// A null counts as absent, as in Hugging Face's own files. Every access to a field marks it as used.
// Functions that read a value throw InputError naming the file, the field's path and what was expected if the
// value has the wrong type or is out of range, and if it is missing, unless the name ends in _or.
class ConfigFields {
 public:
  using Json = nlohmann::json;

  // Parses the file, which must hold one object.
  explicit ConfigFields(const std::string& path);

  [[nodiscard]] const Json* find(const std::string& name) const;  // null if absent
  [[nodiscard]] bool has(const std::string& name) const { return find(name) != nullptr; }
  // Whether the field is there and null, for fields where that differs from being absent.
  [[nodiscard]] bool is_null(const std::string& name) const;

  [[nodiscard]] std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::int64_t integer_or(const std::string& name, std::int64_t low, std::int64_t high,
                                        std::int64_t absent) const;
  [[nodiscard]] double number(const std::string& name, double low, double high) const;
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

  // The paths of the fields that nobody has looked at. An object that nobody has opened is listed as one.
  [[nodiscard]] std::vector<std::string> unused() const;
  [[nodiscard]] const std::string& path() const { return path_; }

  // Throws InputError at the field. refuse() shows the field's value as what was found.
  [[noreturn]] void fail(const std::string& name, const std::string& what, const std::string& expected,
                         const std::string& found, const std::string& next = "") const;
  [[noreturn]] void refuse(const std::string& name, const std::string& what,
                           const std::string& expected) const;

 private:
  struct Node;
  ConfigFields(std::shared_ptr<Node> root, const Json& object, std::string path, std::string prefix);

  std::shared_ptr<Node> root_;  // keeps the parsed text alive
  const Json* object_;
  std::string path_;
  std::string prefix_;
};

// A JSON value as text for a message: cut short, and without nested values.
std::string shown(const nlohmann::json& value);

}  // namespace toptheta
