// What somebody who mistyped a name may have meant.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta::app {

// The name that takes the fewest edits (a letter inserted, left out, exchanged for another, or swapped with
// its neighbour) to become from `typed`; empty where even that takes more than a third of the letters. The
// first one among equals. Time: letters of `typed` times letters of all names.
std::string nearest_name(std::string_view typed, const std::vector<std::string>& names);

}  // namespace toptheta::app
