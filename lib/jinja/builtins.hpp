// Filters, tests, methods and functions that templates find there.
#pragma once
#include <optional>
#include <string>

#include "jinja/value.hpp"

namespace toptheta::jinja {

// value | name(arguments). Throws TemplateError for a filter that is not known, wrong arguments and values.
Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
// The filters that call others or make lists of lists; nothing where `name` is none of them.
std::optional<Value> apply_list_filter(const std::string& name, const Value& value,
                                       const Arguments& arguments);
// value is name(arguments).
bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
// value.name(arguments), for strings, lists and dictionaries.
Value call_method(const std::string& name, const Value& value, const Arguments& arguments);

// What a filter, method or loop takes the elements of: a list's, a dictionary's keys, a string's characters.
List elements_of(const Value& value, int line);
// value.name or value[name] without calling anything; undefined where there is no such thing.
Value attribute_of(const Value& value, const std::string& name);

// range, namespace, dict, raise_exception, strftime_now. Throws TemplateError for wrong arguments.
Value call_global(const std::string& name, const Arguments& arguments);
bool is_global(const std::string& name);

// White space, or any of `characters`, taken away at the ends.
std::string stripped(const std::string& text, const Value* characters, bool left, bool right);

}  // namespace toptheta::jinja
