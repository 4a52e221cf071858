// Methods of strings, lists and dictionaries.
#include <fmt/format.h>

#include <algorithm>

#include "jinja/builtins.hpp"

namespace toptheta::jinja {
namespace {

using MKind = Value::Kind;

[[noreturn]] void unknown_method(const std::string& name, const Value& value, int line) {
  const std::string missing =
      value.is(MKind::undefined) ? fmt::format(" ('{}' is not there)", value.missing_name()) : "";
  throw TemplateError(
      line, fmt::format("the method '{}' of {} is not supported{}", name, value.kind_name(), missing));
}

const std::string& text_argument(const Arguments& arguments, std::size_t index, const std::string& method) {
  const Value* value = arguments.find(index, "");
  if (value == nullptr || !value->is(MKind::string))
    throw TemplateError(arguments.line, fmt::format("{}() needs a string here", method));
  return value->string();
}

List split_at_spaces(const std::string& text, std::int64_t limit) {
  List parts;
  constexpr std::string_view kSpaces = " \t\n\r\f\v";
  std::size_t at = text.find_first_not_of(kSpaces);
  while (at != std::string::npos) {
    if (limit >= 0 && std::ssize(parts) == limit) {
      parts.emplace_back(stripped(text.substr(at), nullptr, false, true));
      break;
    }
    const std::size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpaces, end);
  }
  return parts;
}

List split_at(const std::string& text, const std::string& separator, std::int64_t limit, bool from_right,
              int line) {
  if (separator.empty()) throw TemplateError(line, "split at an empty string");
  List parts;
  std::string rest = text;
  while (limit < 0 || std::ssize(parts) < limit) {
    const std::size_t at = from_right ? rest.rfind(separator) : rest.find(separator);
    if (at == std::string::npos) break;
    if (from_right) {
      parts.insert(parts.begin(), Value(rest.substr(at + separator.size())));
      rest.resize(at);
    } else {
      parts.emplace_back(rest.substr(0, at));
      rest.erase(0, at + separator.size());
    }
  }
  parts.insert(from_right ? parts.begin() : parts.end(), Value(rest));
  return parts;
}

Value split(const std::string& name, const std::string& text, const Arguments& arguments) {
  const Value* separator = arguments.find(0, "sep");
  const Value* limit = arguments.find(1, "maxsplit");
  const std::int64_t most = limit != nullptr && limit->is(MKind::integer) ? limit->integer() : -1;
  if (separator == nullptr || separator->is(MKind::none)) {
    if (name == "rsplit" && most >= 0) unknown_method("rsplit at spaces with a limit", text, arguments.line);
    return split_at_spaces(text, most);
  }
  return split_at(text, separator->text(), most, name == "rsplit", arguments.line);
}

// startswith and endswith take a string or a tuple of strings.
bool has_end(const std::string& name, const std::string& text, const Arguments& arguments) {
  const Value* wanted = arguments.find(0, "");
  if (wanted == nullptr) throw TemplateError(arguments.line, name + "() wants a string");
  const List several = wanted->is(MKind::list) ? wanted->list() : List{*wanted};
  return std::ranges::any_of(several, [&](const Value& one) {
    if (!one.is(MKind::string)) throw TemplateError(arguments.line, name + "() wants a string");
    return name == "startswith" ? text.starts_with(one.string()) : text.ends_with(one.string());
  });
}

Value lines_of(const std::string& text) {
  List lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find_first_of("\r\n", begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + (text.substr(std::min(end, text.size()), 2) == "\r\n" ? 2 : 1);
  }
  return lines;
}

// Positions are counted in characters, as in Python.
std::int64_t characters_before(const std::string& text, std::size_t at) {
  return std::ranges::count_if(std::string_view(text).substr(0, at),
                               [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

Value text_method(const std::string& name, const Value& value, const Arguments& arguments) {
  const std::string& text = value.string();
  if (name == "strip" || name == "lstrip" || name == "rstrip")
    return stripped(text, arguments.find(0, "chars"), name != "rstrip", name != "lstrip");
  if (name == "split" || name == "rsplit") return split(name, text, arguments);
  if (name == "splitlines" && arguments.positional.empty()) return lines_of(text);
  if (name == "startswith" || name == "endswith") return has_end(name, text, arguments);
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize")
    return apply_filter(name, value, {.line = arguments.line});
  if (name == "replace") return apply_filter("replace", value, arguments);
  if (name == "join")
    return apply_filter("join", arguments.positional.empty() ? Value(List{}) : arguments.positional[0],
                        {.positional = {value}, .line = arguments.line});
  if (name == "removeprefix" || name == "removesuffix") {
    const std::string& end = text_argument(arguments, 0, name);
    if (name == "removeprefix") return text.starts_with(end) ? text.substr(end.size()) : text;
    return text.ends_with(end) ? text.substr(0, text.size() - end.size()) : text;
  }
  if (name == "find" || name == "rfind") {
    const std::string& wanted = text_argument(arguments, 0, name);
    const std::size_t at = name == "find" ? text.find(wanted) : text.rfind(wanted);
    return at == std::string::npos ? std::int64_t{-1} : characters_before(text, at);
  }
  if (name == "count") {
    const std::string& wanted = text_argument(arguments, 0, name);
    std::int64_t count = 0;
    for (std::size_t at = wanted.empty() ? std::string::npos : text.find(wanted); at != std::string::npos;
         at = text.find(wanted, at + wanted.size()))
      ++count;
    return count;
  }
  if (name == "isdigit") return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  unknown_method(name, value, arguments.line);
}

Value dict_method(const std::string& name, const Value& value, const Arguments& arguments) {
  List list;
  if (name == "items") return apply_filter("items", value, arguments);
  if (name == "keys") return elements_of(value, arguments.line);
  if (name == "values") {
    for (const auto& [key, element] : value.dict())
      list.push_back(element);
    return list;
  }
  if (name == "copy") return Dict(value.dict());
  if (name == "get") {
    const Value* key = arguments.find(0, "key");
    const Value* otherwise = arguments.find(1, "default");
    if (key == nullptr) throw TemplateError(arguments.line, "get() needs a key");
    const Value* found = key->is(MKind::string) ? value.find(key->string()) : nullptr;
    if (found != nullptr) return *found;
    return otherwise != nullptr ? *otherwise : Value(None{});
  }
  unknown_method(name, value, arguments.line);
}

}  // namespace

Value call_method(const std::string& name, const Value& value, const Arguments& arguments) {
  if (value.is(MKind::string)) return text_method(name, value, arguments);
  if (value.is(MKind::dict)) return dict_method(name, value, arguments);
  if (value.is(MKind::list) && (name == "count" || name == "index") && arguments.positional.size() == 1) {
    const List& list = value.list();
    const auto same = [&](const Value& element) { return equal(element, arguments.positional[0]); };
    if (name == "count") return static_cast<std::int64_t>(std::ranges::count_if(list, same));
    const auto found = std::ranges::find_if(list, same);
    if (found == list.end())
      throw TemplateError(arguments.line, "index() of something that is not in the list");
    return static_cast<std::int64_t>(found - list.begin());
  }
  unknown_method(name, value, arguments.line);
}

}  // namespace toptheta::jinja
