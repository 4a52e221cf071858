#include "tt_eval/fraction_flag.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/error.hpp"

namespace toptheta::app {

double parse_fraction(const std::string& text, std::string_view flag, double low, double high) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  const bool percent = error == std::errc() && rest + 1 == end && *rest == '%';
  if (percent) value /= 100;
  if (error != std::errc() || (rest != end && !percent) || !(value >= low && value <= high))
    throw UsageError({.where = std::string(flag),
                      .what = "not a share",
                      .expected = fmt::format("{} to {}, or in per cent: 1%", low, high),
                      .found = fmt::format("'{}'", text)});
  return value;
}

}  // namespace toptheta::app
