// The fields of a JSON object, checked as they are taken, and which of them were.
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace toptheta {

// A null counts as absent, as in Hugging Face's own files. Every look at a field marks it as used. All
// functions throw InputError with the file, the field's path and what was expected.
class ConfigFields {
 public:
  using Json = nlohmann::json;

  // Parses the file, which must hold one object.
  explicit ConfigFields(const std::string& path);

  [[nodiscard]] const Json* find(const std::string& name) const;  // or null
  [[nodiscard]] bool has(const std::string& name) const { return find(name) != nullptr; }
  // Where null means something else than nothing at all.
  [[nodiscard]] bool is_null(const std::string& name) const;

  [[nodiscard]] std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::int64_t integer_or(const std::string& name, std::int64_t low, std::int64_t high,
                                        std::int64_t absent) const;
  [[nodiscard]] double number(const std::string& name, double low, double high) const;
  [[nodiscard]] double positive(const std::string& name) const;
  [[nodiscard]] double positive_or(const std::string& name, double absent) const;
  [[nodiscard]] bool flag_or(const std::string& name, bool absent) const;
  [[nodiscard]] std::string text_or(const std::string& name, const std::string& absent) const;
  // A number, or a list of them.
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& name, std::int64_t low,
                                                   std::int64_t high) const;
  [[nodiscard]] std::vector<double> positives(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  // The object under that name, which must be there.
  [[nodiscard]] ConfigFields object(const std::string& name) const;

  // Throws unless the field is absent or equal to what alone is computed here.
  void only(const std::string& name, bool value) const;

  // The names of fields that nobody looked at, with their paths; `prefix` of each object that nobody opened.
  [[nodiscard]] std::vector<std::string> unused() const;
  [[nodiscard]] const std::string& path() const { return path_; }

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

// A JSON value as a message shows it: short, and never deep.
std::string shown(const nlohmann::json& value);

}  // namespace toptheta
