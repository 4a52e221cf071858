// Fractions on the command line: 0.01 or 1%.
#pragma once
#include <string>
#include <string_view>

namespace toptheta::app {

// "1%" is 0.01. Throws UsageError, naming `flag`, for anything but a number from `low` to `high`.
double parse_fraction(const std::string& text, std::string_view flag, double low, double high);

}  // namespace toptheta::app
