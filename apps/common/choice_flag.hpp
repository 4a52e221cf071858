// Flags whose value is one of a few names, taken from their table (core/names.hpp).
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/names.hpp"

namespace toptheta::app {

// A flag that takes one of `names`, which --help lists as "a|b|c"; anything else is refused with that list.
// `set` is called with the given name; `value` returns the default, empty if there is none.
CLI::Option* add_choice(CLI::App& app, const std::string& flag, const std::vector<std::string_view>& names,
                        const std::function<void(std::string_view)>& set,
                        const std::function<std::string()>& value, const std::string& description);

template <NamedEnum E>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, E& value, const std::string& description) {
  return add_choice(
      app, flag, names_of<E>(), [&value](std::string_view name) { value = value_named<E>(name).value(); },
      [&value] { return std::string(name_of(value)); }, description);
}

// Without a default: nullopt if the flag is not given.
template <NamedEnum E>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, std::optional<E>& value,
                        const std::string& description) {
  return add_choice(
      app, flag, names_of<E>(),
      [&value](std::string_view name) { value.emplace(value_named<E>(name).value()); },
      [] { return std::string(); }, description);
}

}  // namespace toptheta::app
