#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "jinja/builtins.hpp"

namespace toptheta::jinja {
namespace {

using FKind = Value::Kind;

[[noreturn]] void unsuitable(const std::string& filter, const Value& value, int line) {
  throw TemplateError(line, fmt::format("the filter '{}' does not take {}{}", filter, value.kind_name(),
                                        value.is(FKind::undefined) ? ": " + value.missing_name() : ""));
}

const std::string& text_of(const std::string& filter, const Value& value, int line) {
  if (!value.is(FKind::string)) unsuitable(filter, value, line);
  return value.string();
}

std::string ascii_case(std::string text, bool upper) {
  for (char& c : text) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (static_cast<unsigned char>(c) >= 0x80) break;
  }
  return text;
}

// Refuses letters beyond ASCII, whose case would need Python's tables.
void require_ascii(const std::string& filter, const std::string& text, int line) {
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    throw TemplateError(line, fmt::format("'{}' of letters beyond ASCII is not supported", filter));
}

std::string capitalized(const std::string& text, bool every_word) {
  std::string result;
  bool starts = true;
  for (const char c : text) {
    result += ascii_case(std::string(1, c), starts);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    starts = every_word && !letter;
  }
  return result;
}

std::string indented(const std::string& text, const Arguments& arguments) {
  const Value* width = arguments.find(0, "width");
  const Value* first = arguments.find(1, "first");
  const Value* blank = arguments.find(2, "blank");
  const std::string spaces =
      width != nullptr && width->is(FKind::string)
          ? width->string()
          : std::string(
                static_cast<std::size_t>(width == nullptr ? 4 : std::clamp(width->number(), 0., 1000.)), ' ');
  std::string result;
  std::size_t begin = 0;
  for (bool is_first = true; begin <= text.size(); is_first = false) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const bool empty = end == begin;
    const bool indents =
        is_first ? first != nullptr && first->truth() : !empty || (blank != nullptr && blank->truth());
    result.append(is_first ? "" : "\n").append(indents ? spaces : "").append(text, begin, end - begin);
    begin = end + 1;
  }
  return result;
}

std::string replaced(const std::string& text, const Arguments& arguments, int line) {
  const Value* from = arguments.find(0, "old");
  const Value* to = arguments.find(1, "new");
  if (from == nullptr || to == nullptr || arguments.positional.size() > 2 || from->text().empty())
    throw TemplateError(line, "replace needs two strings: what to replace, and its replacement");
  const std::string old_text = from->text();
  const std::string new_text = to->text();
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(old_text); at != std::string::npos; at = text.find(old_text, done)) {
    result.append(text, done, at - done).append(new_text);
    done = at + old_text.size();
  }
  return result.append(text, done);
}

std::optional<Value> text_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const int line = arguments.line;
  if (name == "trim") return stripped(value.text(), arguments.find(0, "chars"), true, true);
  if (name == "upper" || name == "lower" || name == "capitalize" || name == "title") {
    const std::string text = value.text();
    require_ascii(name, text, line);
    if (name == "upper" || name == "lower") return ascii_case(text, name == "upper");
    return capitalized(text, name == "title");
  }
  if (name == "string") return value.text();
  if (name == "safe") return value;
  if (name == "replace") return replaced(value.text(), arguments, line);
  if (name == "indent") return indented(text_of(name, value, line), arguments);
  if (name == "escape" || name == "e") {
    std::string result;
    for (const char c : value.text())
      result += c == '&'    ? "&amp;"
                : c == '<'  ? "&lt;"
                : c == '>'  ? "&gt;"
                : c == '"'  ? "&#34;"
                : c == '\'' ? "&#39;"
                            : std::string(1, c);
    return result;
  }
  return std::nullopt;
}

Value number_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  if (name == "abs") {
    if (value.is_whole()) return std::abs(std::max(value.whole(), -std::numeric_limits<std::int64_t>::max()));
    if (!value.is_number()) unsuitable(name, value, arguments.line);
    return std::abs(value.number());
  }
  const bool real = name == "float";
  if (value.is_number()) {
    if (real) return value.number();
    return value.is(FKind::integer)
               ? value
               : Value(static_cast<std::int64_t>(std::clamp(value.number(), -9e18, 9e18)));
  }
  const std::string text = value.is(FKind::string) ? stripped(value.string(), nullptr, true, true) : "";
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const Value* otherwise = arguments.find(0, "default");
  if (text.empty() || *end != '\0')
    return otherwise != nullptr ? *otherwise : real ? Value(0.0) : Value(std::int64_t{0});
  if (real) return number;
  if (text.find_first_of(".eE") == std::string::npos)
    return static_cast<std::int64_t>(std::strtoll(text.c_str(), nullptr, 10));
  return static_cast<std::int64_t>(std::clamp(number, -9e18, 9e18));
}

std::int64_t length_of(const std::string& name, const Value& value, int line) {
  if (value.is(FKind::string)) {
    return std::ranges::count_if(value.string(),
                                 [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  }
  if (value.is(FKind::list)) return std::ssize(value.list());
  if (value.is(FKind::dict)) return std::ssize(value.dict());
  if (value.is(FKind::undefined)) return 0;
  unsuitable(name, value, line);
}

Value json_filter(const Value& value, const Arguments& arguments) {
  const Value* indent = arguments.find(1, "indent");
  const Value* sort = arguments.find(99, "sort_keys");
  for (const auto& [name, option] : arguments.named) {
    const bool usual = name == "ensure_ascii" && !option.truth();
    if (name != "indent" && name != "sort_keys" && !usual)
      throw TemplateError(arguments.line, fmt::format("tojson({}=...) is not supported", name));
  }
  const bool pretty = indent != nullptr && indent->is(FKind::integer);
  return to_json(value, pretty ? static_cast<int>(std::clamp<std::int64_t>(indent->integer(), 0, 64)) : -1,
                 sort != nullptr && sort->truth(), arguments.line);
}

}  // namespace

std::string stripped(const std::string& text, const Value* characters, bool left, bool right) {
  const std::string set = characters != nullptr && characters->is(FKind::string)
                              ? characters->string()
                              : " \t\n\r\f\v\x1c\x1d\x1e\x1f";
  const std::size_t begin = left ? std::min(text.find_first_not_of(set), text.size()) : 0;
  const std::size_t last = right ? text.find_last_not_of(set) : text.size() - 1;
  const std::size_t end = text.empty() || last == std::string::npos ? 0 : last + 1;
  return begin >= end ? std::string() : text.substr(begin, end - begin);
}

Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments) {
  const int line = arguments.line;
  if (name == "default" || name == "d") {
    const Value* otherwise = arguments.find(0, "default_value");
    const Value* falsy = arguments.find(1, "boolean");
    const bool missing = value.is(FKind::undefined) || (falsy != nullptr && falsy->truth() && !value.truth());
    return missing ? (otherwise != nullptr ? *otherwise : Value("")) : value;
  }
  if (name == "length" || name == "count") return length_of(name, value, line);
  if (name == "tojson") return json_filter(value, arguments);
  if (name == "int" || name == "float" || name == "abs") return number_filter(name, value, arguments);
  if (const auto text = text_filter(name, value, arguments)) return *text;
  if (const auto list = apply_list_filter(name, value, arguments)) return *list;
  throw TemplateError(line, fmt::format("the filter '{}' is not supported", name));
}

}  // namespace toptheta::jinja
