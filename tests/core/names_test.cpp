#include "core/names.hpp"

#include "support/catch.hpp"

namespace toptheta {

namespace {
enum class Fruit { apple, plum, pear };
enum class Nameless { one };
}  // namespace

template <>
inline constexpr auto kNames<Fruit> = std::to_array<Named<Fruit>>(
    {{Fruit::apple, "apple"}, {Fruit::plum, "plum"}, {Fruit::plum, "damson"}, {Fruit::pear, "pear"}});

TEST_CASE("A value is printed by its first name and understood by all of them", "[names]") {
  CHECK(name_of(Fruit::plum) == "plum");
  CHECK(value_named<Fruit>("plum") == Fruit::plum);
  CHECK(value_named<Fruit>("damson") == Fruit::plum);
}

TEST_CASE("What is not in the table is nobody's name", "[names]") {
  CHECK_FALSE(value_named<Fruit>("").has_value());
  CHECK_FALSE(value_named<Fruit>("Apple").has_value());
  CHECK_FALSE(value_named<Fruit>("app").has_value());
  CHECK_FALSE(NamedEnum<Nameless>);
}

TEST_CASE("Names are listed once each, in order", "[names]") {
  CHECK(listed_names<Fruit>() == "apple, plum or pear");
  CHECK(listed({}).empty());
  const std::string_view two[] = {"a", "b"};
  CHECK(listed(std::span(two).first(1)) == "a");
  CHECK(listed(two) == "a or b");
}

}  // namespace toptheta
