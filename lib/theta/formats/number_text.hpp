// Floating-point numbers as text that reads back as the same double.
#pragma once
#include <string>

namespace toptheta {

// The text that Python's repr() gives: the shortest digits that read back the same, "1e-05", "4.0",
// "0.0002257227897644043".
std::string python_repr(double value);

// The shortest digits that read back the same; `missing` for NaN.
std::string shortest_or(double value, const char* missing);

}  // namespace toptheta
