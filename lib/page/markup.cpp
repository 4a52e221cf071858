#include "page/markup.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/utf8.hpp"

namespace toptheta::page {

namespace {

// Bytes of the character at `at`; 0 where it is no UTF-8.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                             : lead >= 0xE0                ? 3
                             : lead >= 0xC2                ? 2
                                                           : 0;
  if (length == 0 || lead >= 0xF5 || at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0U) != 0x80U) return 0;
  return length;
}

}  // namespace

std::string escaped(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_length(text, i);
    const char c = text[i];
    if (length == 0 || (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)))
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
      out += text.substr(i, length);
    i += length == 0 ? 1 : length;
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
