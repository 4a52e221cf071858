// Numbers as people read them in tables. Machines get full precision from json.hpp and csv.hpp.
#pragma once
#include <string>

#include "eval/result.hpp"

namespace toptheta {

// Five significant digits, at most four decimals: 0.5120, 12.345, 1234.5. "n/a" for NaN, "inf" and "-inf".
std::string format_number(double value);
// "0.5120 ± 0.0130", both with the decimals of the value; only the value if there is no standard error.
std::string format_measure(const Measure& measure);
// A fraction in per cent, with two decimals and no sign: 0.117 -> "11.70".
std::string format_percent(double fraction);
// A mean of fractions in per cent, with one decimal: "97.5 ± 1.2".
std::string format_percent(const Measure& measure);
// The shortest text that reads back as the same double; empty for NaN and the infinities.
std::string format_exact(double value);

}  // namespace toptheta
