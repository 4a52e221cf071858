// Finds what a user who mistyped a name may have meant.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta::app {

// The name that `typed` becomes by the fewest edits (a letter inserted, deleted, replaced, or swapped with
// its neighbour); of equals, the first. Empty if that takes more edits than a third of the letters. Cost:
// letters of `typed` times letters of all names.
std::string nearest_name(std::string_view typed, const std::vector<std::string>& names);

}  // namespace toptheta::app
