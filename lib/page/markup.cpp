#include "page/markup.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/utf8.hpp"

namespace toptheta::page {

std::string escaped(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  std::optional<std::size_t> invalid = first_invalid_utf8(text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == invalid) {
      out += kReplacement;
      const auto next = first_invalid_utf8(text.substr(i + 1));
      invalid = next ? std::optional(i + 1 + *next) : std::nullopt;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += kReplacement;
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out += c;
  }
  return out;
}

std::string short_number(double value) {
  if (std::isnan(value)) return "\xE2\x80\x93";
  return fmt::format("{:.4g}", value);
}

std::string percent(double fraction) {
  if (std::isnan(fraction)) return "\xE2\x80\x93";
  const double value = std::abs(fraction) < 5e-6 ? 0 : fraction * 100;  // no "-0.000%"
  const double size = std::abs(value);
  return fmt::format("{:.{}f}%", value,
                     size >= 99.95              ? 0
                     : size >= 10               ? 1
                     : size >= 0.1 || size == 0 ? 2
                                                : 3);
}

std::string exact_number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}

std::string file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && (name.back() == '-' || name.back() == '.'))
    name.pop_back();
  return name.empty() || name.front() == '.' ? "chart" + name : name;
}

}  // namespace toptheta::page
