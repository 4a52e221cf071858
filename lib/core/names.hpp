// One table of names for each enumeration that users choose from. It parses, prints and lists the choice.
// Flags (apps/common/choice_flag.hpp), file readers and error messages all use it, so that each name is
// written once.
//
//   enum class Sdc { none, exact };
//   template <>
//   inline constexpr auto kNames<Sdc> =
//       std::to_array<Named<Sdc>>({{Sdc::none, "none"}, {Sdc::exact, "exact"}});
//
//   name_of(Sdc::exact)       "exact"
//   value_named<Sdc>("none")  Sdc::none; nullopt for anything that is not in the table
//   listed_names<Sdc>()       "none or exact"
#pragma once
#include <array>
#include <cassert>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace toptheta {

template <class E>
struct Named {
  E value;
  std::string_view name;
};

// To be specialised right after the enumeration, with the values in the order in which they are listed. A
// value may have several names: the first is printed and listed, and all of them are understood.
template <class E>
inline constexpr std::array<Named<E>, 0> kNames{};

template <class E>
concept NamedEnum = std::is_enum_v<E> && !kNames<E>.empty();

template <NamedEnum E>
constexpr std::string_view name_of(E value) {
  for (const Named<E>& entry : kNames<E>)
    if (entry.value == value) return entry.name;
  assert(false);  // the table lacks this value
  return {};
}

template <NamedEnum E>
constexpr std::optional<E> value_named(std::string_view name) {
  for (const Named<E>& entry : kNames<E>)
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

// The first name of each value, in the order of the table.
template <NamedEnum E>
std::vector<std::string_view> names_of() {
  std::vector<std::string_view> names;
  for (const Named<E>& entry : kNames<E>)
    if (name_of(entry.value) == entry.name) names.push_back(entry.name);
  return names;
}

// "a", "a or b", "a, b or c".
std::string listed(std::span<const std::string_view> names);

template <NamedEnum E>
std::string listed_names() {
  return listed(names_of<E>());
}

}  // namespace toptheta
