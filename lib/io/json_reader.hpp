// JSON values that know their place in the file, so that every message about one says where it is, and that
// know whether they were used, so that nothing in a file is silently ignored.
//
//   const JsonValue config = read_json_file("config.json");
//   const std::int64_t layers = config.integer("num_hidden_layers", 1, 4096);
//   if (const auto scaling = config.find("rope_scaling")) factor = scaling->positive("factor");
//   for (const std::string& key : config.unread_keys()) ...
//
// A place is "FILE", "FILE:rope_scaling.factor" or "FILE:choices[2]", or with a line
// "FILE:line 3:choices[2]".
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toptheta {

struct JsonDocument;

// The limits of a document. One that exceeds them is refused with an InputError; it never crashes the
// program.
struct JsonLimits {
  std::size_t depth = 100;                      // of nested lists and objects
  std::size_t bytes = std::size_t{256} << 20U;  // of text
};

// One value of a document. It keeps the document alive and is cheap to copy. A null member counts as absent
// wherever members are looked up, as in Hugging Face's files; is_null() tells for a value reached otherwise.
// All typed access throws InputError at the value's place, with what was expected and what was found. The
// values of one document may be used by one thread at a time, because looking at them marks them as read.
class JsonValue {
 public:
  // The place of this value, "FILE:a.b[3]", and that of a member, which may be missing. Cost: a walk through
  // the document; what was read whole by raw() is walked through last, if the value is not found before.
  [[nodiscard]] std::string where() const;
  [[nodiscard]] std::string where(std::string_view key) const;
  // The line, from 1, in a TOML file; 0 elsewhere.
  [[nodiscard]] std::int64_t line() const;

  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_list() const;
  [[nodiscard]] bool is_text() const;
  [[nodiscard]] bool is_number() const;
  [[nodiscard]] bool is_integer() const;  // written without fraction or exponent, and within 64 bits
  [[nodiscard]] bool is_flag() const;

  // This value, as one of these types. integer() also throws outside low ... high.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool flag() const;
  [[nodiscard]] std::int64_t integer(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::uint64_t unsigned_integer() const;  // any of 64 bits
  [[nodiscard]] double number() const;                   // always finite: the parser refuses other numbers
  [[nodiscard]] double positive() const;
  [[nodiscard]] std::size_t size() const;                 // of a list or an object
  [[nodiscard]] std::vector<JsonValue> elements() const;  // of a list
  [[nodiscard]] std::vector<std::string> texts() const;   // of a list of strings
  // The members of an object in the order of their keys, nulls included; all of them count as read.
  [[nodiscard]] std::vector<std::pair<std::string, JsonValue>> members() const;

  // A member of an object: has() says whether it is there and not null, without marking it as read; find()
  // returns nothing where it is absent or null; at() throws.
  [[nodiscard]] bool has(std::string_view key) const;
  // Whether the member is there and null, for members where that differs from being absent.
  [[nodiscard]] bool is_null(std::string_view key) const;
  [[nodiscard]] std::optional<JsonValue> find(std::string_view key) const;
  [[nodiscard]] JsonValue at(std::string_view key) const;

  // Members that must be there, by type.
  [[nodiscard]] const std::string& text(std::string_view key) const { return at(key).text(); }
  [[nodiscard]] bool flag(std::string_view key) const { return at(key).flag(); }
  [[nodiscard]] std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high) const {
    return at(key).integer(low, high);
  }
  [[nodiscard]] double number(std::string_view key) const { return at(key).number(); }
  [[nodiscard]] double positive(std::string_view key) const { return at(key).positive(); }
  [[nodiscard]] JsonValue object(std::string_view key) const;
  [[nodiscard]] std::vector<JsonValue> elements(std::string_view key) const { return at(key).elements(); }

  // Members that may be absent.
  [[nodiscard]] std::string text_or(std::string_view key, std::string_view absent) const;
  [[nodiscard]] bool flag_or(std::string_view key, bool absent) const;
  [[nodiscard]] std::int64_t integer_or(std::string_view key, std::int64_t low, std::int64_t high,
                                        std::int64_t absent) const;
  [[nodiscard]] double number_or(std::string_view key, double absent) const;
  [[nodiscard]] double positive_or(std::string_view key, double absent) const;

  // The paths of the members below this value that nobody read, such as "rope_scaling.beta"; of an unread
  // member only its own path, not those below it. unread_places() gives the places of the same members,
  // "FILE:rope_scaling.beta", without those that are null, and unread_notes() adds what they hold, for the
  // user: "FILE:rope_scaling.beta: not used (3)". ignore() marks a member, present or not, as known and
  // without effect here.
  [[nodiscard]] std::vector<std::string> unread_keys() const;
  [[nodiscard]] std::vector<std::string> unread_places() const;
  [[nodiscard]] std::vector<std::string> unread_notes() const;
  void ignore(std::string_view key) const;
  void ignore(std::initializer_list<std::string_view> keys) const;

  // The value in a few words: "3", "\"abc...\"", "a list of 12".
  [[nodiscard]] std::string shown() const;
  // The value as the JSON library holds it; all of it counts as read.
  [[nodiscard]] const nlohmann::json& raw() const;

  // Throws InputError with this value's place and the value itself.
  [[noreturn]] void fail(const std::string& what, const std::string& expected = "",
                         const std::string& next = "") const;

 private:
  friend JsonValue document_value(std::shared_ptr<JsonDocument> document);
  JsonValue(std::shared_ptr<JsonDocument> document, const nlohmann::json& value);

  void require(bool holds, const char* type) const;
  [[nodiscard]] const nlohmann::json* member(std::string_view key) const;  // null where absent or null
  // Calls `list` with the path and value of each unread member; `path` is that of this value.
  void list_unread(const std::string& path,
                   const std::function<void(std::string, const JsonValue&)>& list) const;

  std::shared_ptr<JsonDocument> document_;
  const nlohmann::json* value_;
};

// Parses exactly one JSON value; `source` is the file, or "FILE:line 3". Throws InputError with the place in
// `text` where it is not JSON, not UTF-8, names a member twice, holds a number beyond double, or exceeds a
// limit. Time: linear in the text; memory: about 10 times the text.
JsonValue parse_json(std::string_view text, const std::string& source, const JsonLimits& limits = {});

// The same for a whole file; a byte order mark at its start is accepted. Also throws where the file cannot be
// read.
JsonValue read_json_file(const std::filesystem::path& path, const JsonLimits& limits = {});

// A document that was not parsed but made, such as a line of a data set with the values that it lacks.
JsonValue json_value(nlohmann::json root, std::string source);

}  // namespace toptheta
