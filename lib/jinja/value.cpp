#include "jinja/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace toptheta::jinja {
namespace {

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(const std::string& text) {
  const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (const char c : text) {
    if (c == '\\' || c == quote) {
      result.append({'\\', c});
    } else if (c == '\n') {
      result.append("\\n");
    } else if (c == '\r') {
      result.append("\\r");
    } else if (c == '\t') {
      result.append("\\t");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result.append(fmt::format("\\x{:02x}", static_cast<unsigned char>(c)));
    } else {
      result.push_back(c);
    }
  }
  return result + quote;
}

}  // namespace

Value Value::of_json(const nlohmann::ordered_json& json) {
  using Type = nlohmann::ordered_json::value_t;
  switch (json.type()) {
    case Type::boolean:
      return json.get<bool>();
    case Type::number_integer:
    case Type::number_unsigned:
      return json.get<std::int64_t>();
    case Type::number_float:
      return json.get<double>();
    case Type::string:
      return json.get<std::string>();
    case Type::array: {
      List list;
      for (const auto& element : json)
        list.push_back(of_json(element));
      return list;
    }
    case Type::object: {
      Dict dict;
      for (const auto& [key, value] : json.items())
        dict.emplace_back(key, of_json(value));
      return dict;
    }
    default:
      return None{};
  }
}

Value Value::tuple(List elements) {
  Value made(std::move(elements));
  made.is_tuple_ = true;
  return made;
}

Value Value::same_kind(List elements, const Value& like) {
  return like.is_tuple_ ? tuple(std::move(elements)) : Value(std::move(elements));
}

void Value::note_inner(const Value& inner) {
  depth_ = std::max(depth_, inner.depth_ + 1);
  size_ += inner.size_ + (inner.is(Kind::string) ? std::ssize(inner.string()) / 16 : 0);
  if (size_ > kLargest) throw TemplateError(0, "lists and dictionaries that hold too much");
  holds_namespace_ = holds_namespace_ || inner.holds_namespace_;
  if (depth_ > kDeepest) throw TemplateError(0, "lists and dictionaries nested too deeply");
}

Value::Value(List value) : depth_(1) {
  for (const Value& element : value)
    note_inner(element);
  data_ = std::make_shared<List>(std::move(value));
}

Value::Value(Dict value) : depth_(1) {
  for (const auto& [key, element] : value)
    note_inner(element);
  data_ = std::make_shared<Dict>(std::move(value));
}

Value Value::name_space(Dict members) {
  Value made(std::move(members));
  made.is_namespace_ = true;
  made.holds_namespace_ = true;
  return made;
}

double Value::number() const {
  return is_whole() ? static_cast<double>(whole()) : real();
}

bool Value::truth() const {
  switch (kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
      return number() != 0;
    case Kind::string:
      return !string().empty();
    case Kind::list:
      return !list().empty();
    case Kind::dict:
      return !dict().empty();
    default:
      return true;
  }
}

Value* Value::find(std::string_view key) const {
  if (!is(Kind::dict)) return nullptr;
  const auto found = std::ranges::find(dict(), key, &Dict::value_type::first);
  return found == dict().end() ? nullptr : &found->second;
}

std::string Value::text() const {
  if (is(Kind::string)) return string();
  return is(Kind::undefined) ? std::string() : representation();
}

std::string Value::representation() const {
  const auto join = [](const auto& items, const auto& one) {
    std::string text;
    for (const auto& item : items)
      text.append(text.empty() ? "" : ", ").append(one(item));
    return text;
  };
  switch (kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "None";
    case Kind::boolean:
      return boolean() ? "True" : "False";
    case Kind::integer:
      return std::to_string(integer());
    case Kind::real:
      return real_text(real());
    case Kind::string:
      return quoted(string());
    case Kind::list: {
      const std::string inner = join(list(), [](const Value& value) { return value.representation(); });
      if (is_tuple_) return "(" + inner + (list().size() == 1 ? ",)" : ")");
      return "[" + inner + "]";
    }
    case Kind::dict:
      return "{" +
             join(dict(),
                  [](const auto& pair) { return quoted(pair.first) + ": " + pair.second.representation(); }) +
             "}";
    default:
      return "<function>";
  }
}

std::string Value::kind_name() const {
  static constexpr const char* kNames[] = {"undefined", "none",   "a boolean",    "an integer", "a number",
                                           "a string",  "a list", "a dictionary", "a function"};
  return is_tuple_ ? "a tuple" : kNames[data_.index()];
}

const Value* Arguments::find(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return &positional[index];
  const auto found = std::ranges::find(named, name, &std::pair<std::string, Value>::first);
  return found == named.end() ? nullptr : &found->second;
}

bool equal(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  if (a.is_number() && b.is_number()) {
    if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
    return a.number() == b.number();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::string:
      return a.string() == b.string();
    case Kind::list:
      return a.is_tuple() == b.is_tuple() && std::ranges::equal(a.list(), b.list(), equal);
    case Kind::dict:
      return a.dict().size() == b.dict().size() && std::ranges::all_of(a.dict(), [&](const auto& pair) {
               const Value* other = b.find(pair.first);
               return other != nullptr && equal(pair.second, *other);
             });
    case Kind::function:
      return &a.function() == &b.function();
    default:
      return true;
  }
}

bool less(const Value& a, const Value& b, int line) {
  using Kind = Value::Kind;
  if (a.is_number() && b.is_number()) return a.number() < b.number();
  if (a.is(Kind::string) && b.is(Kind::string)) return a.string() < b.string();
  if (a.is(Kind::list) && b.is(Kind::list) && a.is_tuple() == b.is_tuple()) {
    return std::ranges::lexicographical_compare(
        a.list(), b.list(), [&](const Value& x, const Value& y) { return less(x, y, line); });
  }
  throw TemplateError(line, fmt::format("{} and {} have no order", a.kind_name(), b.kind_name()));
}

bool contains(const Value& container, const Value& item, int line) {
  using Kind = Value::Kind;
  if (container.is(Kind::string) && item.is(Kind::string))
    return container.string().find(item.string()) != std::string::npos;
  if (container.is(Kind::list))
    return std::ranges::any_of(container.list(), [&](const Value& value) { return equal(value, item); });
  if (container.is(Kind::dict)) return item.is(Kind::string) && container.find(item.string()) != nullptr;
  if (container.is(Kind::undefined)) return false;
  throw TemplateError(line,
                      fmt::format("{} cannot be looked for in {}", item.kind_name(), container.kind_name()));
}

namespace {

void write_json(std::string& out, const Value& value, int indent, int level, bool sort, int line) {
  using Kind = Value::Kind;
  const auto line_break = [&](int depth) {
    if (indent >= 0)
      out.append("\n").append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
  };
  const char* comma = indent >= 0 ? "," : ", ";
  switch (value.kind()) {
    case Kind::none:
      out += "null";
      return;
    case Kind::boolean:
      out += value.boolean() ? "true" : "false";
      return;
    case Kind::integer:
    case Kind::real:
      out += value.representation();
      return;
    case Kind::string:
      out += nlohmann::json(value.string()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      return;
    case Kind::list:
      out += '[';
      for (std::size_t i = 0; i < value.list().size(); ++i) {
        if (i > 0) out += comma;
        line_break(level + 1);
        write_json(out, value.list()[i], indent, level + 1, sort, line);
      }
      if (!value.list().empty()) line_break(level);
      out += ']';
      return;
    case Kind::dict: {
      Dict dict = value.dict();
      if (sort) std::ranges::stable_sort(dict, {}, &Dict::value_type::first);
      out += '{';
      for (std::size_t i = 0; i < dict.size(); ++i) {
        if (i > 0) out += comma;
        line_break(level + 1);
        write_json(out, Value(dict[i].first), indent, level + 1, sort, line);
        out += ": ";
        write_json(out, dict[i].second, indent, level + 1, sort, line);
      }
      if (!dict.empty()) line_break(level);
      out += '}';
      return;
    }
    default:
      throw TemplateError(line, value.kind_name() + " has no JSON form");
  }
}

}  // namespace

std::string to_json(const Value& value, int indent, bool sort, int line) {
  std::string out;
  write_json(out, value, indent, 0, sort, line);
  return out;
}

}  // namespace toptheta::jinja
