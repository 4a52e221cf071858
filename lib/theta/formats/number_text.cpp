#include "theta/formats/number_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace toptheta {

std::string python_repr(double value) {
  // fmt agrees with Python on the digits and on when an exponent is used, but leaves whole numbers without
  // ".0".
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string shortest_or(double value, const char* missing) {
  return std::isnan(value) ? missing : fmt::format("{}", value);
}

}  // namespace toptheta
