// Filters over lists and dictionaries.
#include <fmt/format.h>

#include <algorithm>

#include "jinja/builtins.hpp"

namespace toptheta::jinja {
namespace {

using LKind = Value::Kind;

// The attribute at a path such as "function.name".
Value attribute_path(const Value& value, const std::string& path) {
  Value at = value;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    at = attribute_of(at, path.substr(begin, end - begin));
    begin = end + 1;
  }
  return at;
}

Arguments from(const Arguments& arguments, std::size_t first) {
  Arguments rest{.line = arguments.line};
  for (std::size_t i = first; i < arguments.positional.size(); ++i)
    rest.positional.push_back(arguments.positional[i]);
  return rest;
}

std::string name_argument(const Arguments& arguments, std::size_t index, const std::string& filter) {
  if (index >= arguments.positional.size() || !arguments.positional[index].is(LKind::string))
    throw TemplateError(arguments.line, fmt::format("the filter '{}' needs a name here", filter));
  return arguments.positional[index].string();
}

Value selected(const std::string& name, const Value& value, const Arguments& arguments) {
  const bool by_attribute = name.ends_with("attr");
  const bool wanted = name.starts_with("select");
  const std::size_t first = by_attribute ? 1 : 0;
  const std::string path = by_attribute ? name_argument(arguments, 0, name) : "";
  const bool tested = arguments.positional.size() > first;
  const std::string test = tested ? name_argument(arguments, first, name) : "";
  const Arguments rest = from(arguments, first + 1);
  List kept;
  for (const Value& element : elements_of(value, arguments.line)) {
    const Value seen = by_attribute ? attribute_path(element, path) : element;
    if ((tested ? apply_test(test, seen, rest) : seen.truth()) == wanted) kept.push_back(element);
  }
  return kept;
}

Value mapped(const Value& value, const Arguments& arguments) {
  List result;
  const Value* attribute = arguments.find(99, "attribute");
  const Value* otherwise = arguments.find(99, "default");
  for (const Value& element : elements_of(value, arguments.line)) {
    if (attribute != nullptr) {
      const Value found = attribute_path(element, attribute->text());
      result.push_back(found.is(LKind::undefined) && otherwise != nullptr ? *otherwise : found);
    } else {
      result.push_back(apply_filter(name_argument(arguments, 0, "map"), element, from(arguments, 1)));
    }
  }
  return result;
}

Value joined(const Value& value, const Arguments& arguments) {
  const Value* between = arguments.find(0, "d");
  const Value* attribute = arguments.find(1, "attribute");
  std::string text;
  bool first = true;
  for (const Value& element : elements_of(value, arguments.line)) {
    if (!first && between != nullptr) text += between->text();
    text += attribute != nullptr ? attribute_path(element, attribute->text()).text() : element.text();
    first = false;
  }
  return text;
}

// Strings are compared without regard to case, unless case_sensitive is true.
Value sort_key(const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is(LKind::string)) return value;
  return apply_filter("lower", value, {});
}

Value sorted(const Value& value, const Arguments& arguments) {
  const Value* reverse = arguments.find(0, "reverse");
  const Value* exact = arguments.find(1, "case_sensitive");
  const Value* attribute = arguments.find(2, "attribute");
  List list = elements_of(value, arguments.line);
  const auto key = [&](const Value& element) {
    return sort_key(attribute != nullptr ? attribute_path(element, attribute->text()) : element,
                    exact != nullptr && exact->truth());
  };
  const bool backwards = reverse != nullptr && reverse->truth();
  std::ranges::stable_sort(list, [&](const Value& a, const Value& b) {
    return backwards ? less(key(b), key(a), arguments.line) : less(key(a), key(b), arguments.line);
  });
  return list;
}

Value pairs_of(const std::string& name, const Value& value, const Arguments& arguments) {
  if (name == "items" && value.is(LKind::undefined)) return List{};
  if (!value.is(LKind::dict))
    throw TemplateError(arguments.line,
                        fmt::format("the filter '{}' does not take {}", name, value.kind_name()));
  List pairs;
  for (const auto& [key, element] : value.dict())
    pairs.push_back(Value::tuple({key, element}));
  if (name == "dictsort") {
    std::ranges::stable_sort(pairs, [&](const Value& a, const Value& b) {
      return less(sort_key(a.list()[0], false), sort_key(b.list()[0], false), arguments.line);
    });
  }
  return pairs;
}

Value total(const Value& value, const Arguments& arguments) {
  double sum = 0;
  bool whole = true;
  const Value* attribute = arguments.find(0, "attribute");
  for (const Value& element : elements_of(value, arguments.line)) {
    const Value one = attribute != nullptr ? attribute_path(element, attribute->text()) : element;
    if (!one.is_number()) throw TemplateError(arguments.line, "the sum of something that is not a number");
    sum += one.number();
    whole = whole && !one.is(LKind::real);
  }
  return whole ? Value(static_cast<std::int64_t>(sum)) : Value(sum);
}

Value extreme(const std::string& name, const List& list, int line) {
  if (list.empty()) return Undefined{name + " of nothing"};
  const auto order = [&](const Value& a, const Value& b) { return less(a, b, line); };
  return name == "min" ? *std::ranges::min_element(list, order) : *std::ranges::max_element(list, order);
}

}  // namespace

std::optional<Value> apply_list_filter(const std::string& name, const Value& value,
                                       const Arguments& arguments) {
  const int line = arguments.line;
  if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr")
    return selected(name, value, arguments);
  if (name == "map") return mapped(value, arguments);
  if (name == "join") return joined(value, arguments);
  if (name == "sort") return sorted(value, arguments);
  if (name == "items" || name == "dictsort") return pairs_of(name, value, arguments);
  if (name == "sum") return total(value, arguments);
  if (name != "first" && name != "last" && name != "list" && name != "reverse" && name != "unique" &&
      name != "min" && name != "max")
    return std::nullopt;
  List list = elements_of(value, line);
  if (name == "first") return list.empty() ? Value(Undefined{"first of nothing"}) : list.front();
  if (name == "last") return list.empty() ? Value(Undefined{"last of nothing"}) : list.back();
  if (name == "min" || name == "max") return extreme(name, list, line);
  if (name == "reverse") std::ranges::reverse(list);
  if (name == "unique") {
    List seen;
    for (Value& element : list) {
      if (!contains(Value(seen), element, line)) seen.push_back(element);
    }
    list = std::move(seen);
  }
  if (name == "reverse" && value.is(LKind::string)) return joined(list, {});
  return list;
}

}  // namespace toptheta::jinja
