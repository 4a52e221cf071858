#include "common/toml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <regex>

#include "core/error.hpp"

namespace toptheta::app {

namespace {

bool is_key_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

bool is_number_or_boolean(const std::string& text) {
  static const std::regex pattern("true|false|[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?");
  return std::regex_match(text, pattern);
}

class TomlParser {
 public:
  TomlParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  std::vector<TomlEntry> parse() {
    while (skip_to_content()) {
      if (peek() == '[')
        parse_section();
      else
        parse_entry();
      expect_line_end();
    }
    return std::move(entries_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& expected = {}) const {
    throw UsageError(
        {.where = fmt::format("{}:{}", where_, line_),
         .what = what,
         .expected = expected,
         .found = fmt::format("'{}'", text_.substr(line_begin_, text_.find('\n', line_begin_) - line_begin_)),
         .next = "see configs/ for commented examples"});
  }

  [[nodiscard]] bool at_end() const { return position_ >= text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[position_]; }
  char take() {
    const char c = text_[position_++];
    if (c == '\n') {
      ++line_;
      line_begin_ = position_;
    }
    return c;
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t')
      take();
  }
  void skip_comment() {
    if (peek() == '#')
      while (!at_end() && peek() != '\n')
        take();
  }
  // Past blanks, comments and line breaks; false at the end of the text.
  bool skip_to_content() {
    while (true) {
      skip_blanks();
      skip_comment();
      if (peek() != '\n' && peek() != '\r') return !at_end();
      take();
    }
  }
  void expect_line_end() {
    skip_blanks();
    skip_comment();
    if (peek() == '\r') take();
    if (!at_end() && peek() != '\n') fail("more text than one value on the line");
  }

  std::string parse_key() {
    if (peek() == '"' || peek() == '\'') return parse_string();
    std::string key;
    while (is_key_char(peek()))
      key += take();
    if (key.empty()) fail("not a key", "key = value");
    return key;
  }

  void parse_section() {
    take();
    skip_blanks();
    section_ = parse_key();
    skip_blanks();
    if (peek() != ']') fail("not a section", "[subcommand]");
    take();
  }

  void parse_entry() {
    TomlEntry entry{section_, parse_key(), {}, false, line_};
    skip_blanks();
    if (peek() != '=') fail("not a setting", "key = value");
    take();
    skip_blanks();
    entry.array = peek() == '[';
    if (entry.array)
      parse_array(entry.values);
    else
      entry.values.push_back(parse_scalar());
    for (const TomlEntry& other : entries_)
      if (other.section == entry.section && other.key == entry.key)
        fail(fmt::format("'{}' stands twice, first on line {}", entry.key, other.line));
    entries_.push_back(std::move(entry));
  }

  void parse_array(std::vector<std::string>& values) {
    take();
    while (true) {
      if (!skip_to_content()) fail("an array without its closing ']'");
      if (peek() == ']') break;
      values.push_back(parse_scalar());
      if (!skip_to_content()) fail("an array without its closing ']'");
      if (peek() == ',')
        take();
      else if (peek() != ']')
        fail("not an array", "values between commas");
    }
    take();
  }

  std::string parse_scalar() {
    if (peek() == '"' || peek() == '\'') return parse_string();
    std::string value;
    while (!at_end() && std::string_view(" \t\r\n,]#").find(peek()) == std::string_view::npos)
      value += take();
    if (!is_number_or_boolean(value)) fail("not a value", "a number, true, false, or a string in quotes");
    return value;
  }

  std::string parse_string() {
    const char quote = take();
    std::string value;
    while (true) {
      if (at_end() || peek() == '\n') fail("a string without its closing quote");
      const char c = take();
      if (c == quote) return value;
      value += c == '\\' && quote == '"' ? parse_escape() : c;
    }
  }

  char parse_escape() {
    switch (at_end() ? '\0' : take()) {
      case 'n':
        return '\n';
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case '"':
        return '"';
      case '\\':
        return '\\';
      default:
        fail("an unknown escape in a string", "\\n, \\t, \\r, \\\" or \\\\; or a string in single quotes");
    }
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t position_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
  std::string section_;
  std::vector<TomlEntry> entries_;
};

}  // namespace

std::vector<TomlEntry> parse_toml(std::string_view text, const std::string& where) {
  return TomlParser(text, where).parse();
}

std::vector<TomlEntry> read_toml(const std::filesystem::path& path) {
  std::ifstream file;
  if (!std::filesystem::is_directory(path)) file.open(path, std::ios::binary);
  if (!file.is_open())
    throw UsageError({.where = path.string(),
                      .what = "cannot read the configuration file",
                      .next = "check the path given to --config"});
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse_toml(text, path.string());
}

std::string toml_value(const std::string& text) {
  if (is_number_or_boolean(text)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        quoted += "\\n";
        break;
      case '\t':
        quoted += "\\t";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '"':
      case '\\':
        quoted += '\\';
        [[fallthrough]];
      default:
        quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace toptheta::app
