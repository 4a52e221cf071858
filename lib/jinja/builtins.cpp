// Tests, attributes and global functions.
#include "jinja/builtins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

namespace toptheta::jinja {
namespace {

using BKind = Value::Kind;

constexpr std::int64_t kLongestRange = 100'000;  // the limit of Jinja's sandbox

std::int64_t whole_number(const Value& value, int line, const char* what) {
  if (!value.is(BKind::integer)) throw TemplateError(line, fmt::format("{} needs whole numbers", what));
  return value.integer();
}

Value range(const Arguments& arguments) {
  const auto& given = arguments.positional;
  if (given.empty() || given.size() > 3)
    throw TemplateError(arguments.line, "range takes one to three numbers");
  const auto at = [&](std::size_t i) { return whole_number(given[i], arguments.line, "range"); };
  const std::int64_t begin = given.size() > 1 ? at(0) : 0;
  const std::int64_t end = given.size() > 1 ? at(1) : at(0);
  const std::int64_t step = given.size() > 2 ? at(2) : 1;
  if (step == 0) throw TemplateError(arguments.line, "range with a step of 0");
  List list;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
    list.emplace_back(i);
    if (std::ssize(list) > kLongestRange) throw TemplateError(arguments.line, "the range is too long");
  }
  return list;
}

// strftime_now: the local date and time, as transformers provide it to templates.
Value formatted_now(const Arguments& arguments) {
  const Value* format = arguments.find(0, "format");
  if (format == nullptr || !format->is(BKind::string))
    throw TemplateError(arguments.line, "strftime_now needs a format");
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 256> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), format->string().c_str(), &local);
  return std::string(text.data(), size);
}

Dict named_dict(const Arguments& arguments) {
  Dict dict;
  for (const Value& value : arguments.positional) {
    if (!value.is(BKind::dict)) throw TemplateError(arguments.line, "expected a dictionary");
    dict.insert(dict.end(), value.dict().begin(), value.dict().end());
  }
  for (const auto& [name, value] : arguments.named)
    dict.emplace_back(name, value);
  return dict;
}

std::optional<bool> kind_test(const std::string& name, const Value& value) {
  if (name == "defined") return !value.is(BKind::undefined);
  if (name == "undefined") return value.is(BKind::undefined);
  if (name == "none") return value.is(BKind::none);
  if (name == "string") return value.is(BKind::string);
  if (name == "number") return value.is_number();
  if (name == "integer") return value.is(BKind::integer);
  if (name == "float") return value.is(BKind::real);
  if (name == "boolean") return value.is(BKind::boolean);
  if (name == "mapping") return value.is(BKind::dict);
  if (name == "callable") return value.is(BKind::function);
  if (name == "true") return value.is(BKind::boolean) && value.boolean();
  if (name == "false") return value.is(BKind::boolean) && !value.boolean();
  if (name == "sequence" || name == "iterable")
    return value.is(BKind::list) || value.is(BKind::dict) || value.is(BKind::string) ||
           (name == "iterable" && value.is(BKind::undefined));
  return std::nullopt;
}

std::optional<bool> order_test(const std::string& name, const Value& a, const Value& b, int line) {
  if (name == "equalto" || name == "eq" || name == "==" || name == "sameas") return equal(a, b);
  if (name == "ne" || name == "!=") return !equal(a, b);
  if (name == "lt" || name == "lessthan" || name == "<") return less(a, b, line);
  if (name == "gt" || name == "greaterthan" || name == ">") return less(b, a, line);
  if (name == "le" || name == "<=") return !less(b, a, line);
  if (name == "ge" || name == ">=") return !less(a, b, line);
  if (name == "in") return contains(b, a, line);
  if (name == "divisibleby") {
    const std::int64_t divisor = whole_number(b, line, "divisibleby");
    return divisor != 0 && whole_number(a, line, "divisibleby") % divisor == 0;
  }
  return std::nullopt;
}

}  // namespace

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  if (const auto result = kind_test(name, value)) return *result;
  if (name == "odd" || name == "even")
    return (whole_number(value, arguments.line, "odd and even") % 2 != 0) == (name == "odd");
  if (name == "upper" || name == "lower") {
    const std::string text = value.text();
    return text == apply_filter(name, value, arguments).text() &&
           std::ranges::any_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  }
  if (arguments.positional.size() == 1) {
    if (const auto result = order_test(name, value, arguments.positional[0], arguments.line)) return *result;
  }
  throw TemplateError(arguments.line, fmt::format("the test '{}' is not supported", name));
}

List elements_of(const Value& value, int line) {
  switch (value.kind()) {
    case BKind::list:
      return value.list();
    case BKind::dict: {
      List keys;
      for (const auto& [key, element] : value.dict())
        keys.emplace_back(key);
      return keys;
    }
    case BKind::string: {
      List characters;
      for (const char c : value.string()) {
        if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U && !characters.empty()) {
          characters.back() = characters.back().string() + c;
        } else {
          characters.emplace_back(std::string(1, c));
        }
      }
      return characters;
    }
    case BKind::undefined:
      return {};
    default:
      throw TemplateError(line, fmt::format("{} has no elements", value.kind_name()));
  }
}

Value attribute_of(const Value& value, const std::string& name) {
  if (const Value* found = value.find(name)) return *found;
  const bool index =
      !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos;
  if (index && value.is(BKind::list)) {
    const auto at = static_cast<std::size_t>(std::stoul(name));
    if (at < value.list().size()) return value.list()[at];
  }
  return Undefined{name};
}

bool is_global(const std::string& name) {
  static constexpr std::string_view kGlobals[] = {"range", "namespace", "dict", "raise_exception",
                                                  "strftime_now"};
  return std::ranges::find(kGlobals, name) != std::end(kGlobals);
}

Value call_global(const std::string& name, const Arguments& arguments) {
  if (name == "range") return range(arguments);
  if (name == "strftime_now") return formatted_now(arguments);
  if (name == "namespace") return Value::name_space(named_dict(arguments));
  if (name == "dict") return named_dict(arguments);
  const Value* message = arguments.find(0, "message");
  throw TemplateError(arguments.line, "the template says: " + (message != nullptr ? message->text() : ""));
}

}  // namespace toptheta::jinja
