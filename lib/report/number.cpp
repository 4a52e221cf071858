#include "report/number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace toptheta {

namespace {

int decimals_for(double value) {
  const double magnitude = std::fabs(value);
  if (magnitude < 10) return 4;
  return std::max(0, 4 - static_cast<int>(std::floor(std::log10(magnitude))));
}

std::string format_fixed(double value, int decimals) {
  if (std::isnan(value)) return "n/a";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return fmt::format("{:.{}f}", value, decimals);
}

}  // namespace

std::string format_number(double value) {
  return format_fixed(value, std::isfinite(value) ? decimals_for(value) : 0);
}

std::string format_measure(const Measure& measure) {
  std::string text = format_number(measure.value);
  if (measure.standard_error && std::isfinite(measure.value))
    text += " ± " + format_fixed(*measure.standard_error, decimals_for(measure.value));
  return text;
}

std::string format_percent(double fraction) {
  return format_fixed(100 * fraction, 2);
}

std::string format_percent(const Measure& measure) {
  std::string text = format_fixed(100 * measure.value, 1);
  if (measure.standard_error && std::isfinite(measure.value))
    text += " ± " + format_fixed(100 * *measure.standard_error, 1);
  return text;
}

std::string format_exact(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string();
}

}  // namespace toptheta
