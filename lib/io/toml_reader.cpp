#include "io/toml_reader.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "io/json_document.hpp"
#include "io/text_file.hpp"

namespace toptheta {

namespace {

using nlohmann::json;

[[noreturn]] void refuse_depth(const std::string& place, std::size_t depth) {
  throw InputError({.where = place,
                    .what = "tables and arrays are nested too deeply",
                    .expected = fmt::format("at most {} inside each other", depth)});
}

// toml++ limits how deeply brackets may be nested, but not how many names a dotted key may have, each of
// which is a table inside the one before; a key of a million names would overflow the stack. This walks over
// strings and comments as TOML defines them and counts the dots in the rest.
class DottedKeys {
 public:
  DottedKeys(std::string_view text, const std::string& source, std::size_t depth)
      : text_(text), source_(source), depth_(depth) {}

  void check() {
    std::size_t dots = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      if (c == '\n' || std::string_view("=,[]{}").find(c) != std::string_view::npos) dots = 0;
      if (c == '.' && ++dots >= depth_) refuse_depth(fmt::format("{}:line {}", source_, line()), depth_);
      ++at_;
    }
  }

 private:
  [[nodiscard]] std::ptrdiff_t line() const {
    return 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
  }
  // Skips a string, or goes to the end of the line where a string is not closed; the parser will report that.
  void skip_string(char quote) {
    const bool escapes = quote == '"';
    const std::string three(3, quote);
    const bool long_one = text_.substr(at_).starts_with(three);
    at_ += long_one ? 3 : 1;
    while (at_ < text_.size()) {
      if (long_one ? text_.substr(at_).starts_with(three) : text_[at_] == quote) {
        at_ += long_one ? 3 : 1;
        while (long_one && at_ < text_.size() && text_[at_] == quote)
          ++at_;  // a long string may end with up to two quotes before the closing three
        return;
      }
      if (!long_one && text_[at_] == '\n') return;
      at_ += escapes && text_[at_] == '\\' && at_ + 1 < text_.size() ? 2 : 1;
    }
  }

  std::string_view text_;
  const std::string& source_;
  std::size_t depth_;
  std::size_t at_ = 0;
};

// Copies the parsed tables into a document. A value does not move any more once its line is recorded.
class DocumentFiller {
 public:
  DocumentFiller(JsonDocument& document, std::size_t depth) : document_(document), depth_(depth) {}

  void fill(json& value, const toml::node& node, std::int64_t line, std::size_t level) {
    if (node.source().begin.line > 0) line = node.source().begin.line;
    document_.lines[&value] = line;
    if (level > depth_) refuse_depth(place(line), depth_);
    if (const auto* table = node.as_table()) {
      value = json::object();
      auto& members = value.get_ref<json::object_t&>();
      for (const auto& [key, member] : *table)
        fill(members[std::string(key.str())], member, line_of(key, line), level + 1);
    } else if (const auto* array = node.as_array()) {
      value = json::array();
      auto& elements = value.get_ref<json::array_t&>();
      elements.resize(array->size());
      std::size_t i = 0;
      for (const toml::node& element : *array)
        fill(elements[i++], element, line, level + 1);
    } else {
      value = scalar(node, line);
    }
  }

 private:
  [[nodiscard]] std::string place(std::int64_t line) const {
    return fmt::format("{}:line {}", document_.source, line);
  }
  static std::int64_t line_of(const toml::key& key, std::int64_t absent) {
    return key.source().begin.line > 0 ? key.source().begin.line : absent;
  }

  json scalar(const toml::node& node, std::int64_t line) const {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* truth = node.as_boolean()) return truth->get();
    const auto* number = node.as_floating_point();
    if (number != nullptr && std::isfinite(number->get())) return number->get();
    throw InputError({.where = place(line),
                      .what = number != nullptr ? "a number that is infinite, not a number, or beyond double"
                                                : "a date or time",
                      .expected = "a text, a finite number, true or false, a list or a table",
                      .next = "put it in quotes where it is meant as a text"});
  }

  JsonDocument& document_;
  std::size_t depth_;
};

}  // namespace

JsonValue parse_toml(std::string_view text, const std::string& source, const JsonLimits& limits) {
  if (text.size() > limits.bytes)
    throw InputError({.where = source,
                      .what = "the TOML file is too large",
                      .expected = fmt::format("at most {} bytes", limits.bytes),
                      .found = fmt::format("{} bytes", text.size())});
  DottedKeys(text, source, limits.depth).check();
  auto document = std::make_shared<JsonDocument>();
  document->source = source;
  try {
    DocumentFiller(*document, limits.depth).fill(document->root, toml::parse(text), 1, 0);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    throw InputError({.where = fmt::format("{}:line {}, column {}", source, at.line, at.column),
                      .what = "not valid TOML",
                      .found = printable(shortened(error.description(), 200))});
  }
  return document_value(std::move(document));
}

JsonValue read_toml_file(const std::filesystem::path& path, const JsonLimits& limits) {
  return parse_toml(read_text_file(path, limits.bytes), path.string(), limits);
}

}  // namespace toptheta
