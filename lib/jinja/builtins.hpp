// The built-in filters, tests, methods and functions of templates.
#pragma once
#include <optional>
#include <string>

#include "jinja/value.hpp"

namespace toptheta::jinja {

// These functions throw TemplateError for names that are not supported, and for wrong arguments or values.

// value | name(arguments)
Value apply_filter(const std::string& name, const Value& value, const Arguments& arguments);
// The filters over lists and dictionaries; nullopt if `name` is none of them.
std::optional<Value> apply_list_filter(const std::string& name, const Value& value,
                                       const Arguments& arguments);
// value is name(arguments)
bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
// value.name(arguments), for strings, lists and dictionaries
Value call_method(const std::string& name, const Value& value, const Arguments& arguments);

// The elements over which a filter, method or loop runs: those of a list, the keys of a dictionary, or the
// characters of a string.
List elements_of(const Value& value, int line);
// value.name or value[name]; undefined if there is no such member.
Value attribute_of(const Value& value, const std::string& name);

// Calls range, namespace, dict, raise_exception or strftime_now.
Value call_global(const std::string& name, const Arguments& arguments);
bool is_global(const std::string& name);

// The text without white space, or without any of `characters` if they are given, at the ends asked for.
std::string stripped(const std::string& text, const Value* characters, bool left, bool right);

}  // namespace toptheta::jinja
