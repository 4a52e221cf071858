#include "core/utf8.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace toptheta {

namespace {

// The length in bytes of the code point that starts at text[i], or 0 if no valid one does.
std::size_t code_point_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t lead = byte(i);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || i + length > text.size()) return 0;
  for (std::size_t j = 1; j < length; ++j)
    if ((byte(i + j) & 0xC0U) != 0x80) return 0;
  const std::uint8_t second = byte(i + 1);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second > 0x9F;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

// The code point of `length` bytes, at most 3, that starts at text[i].
std::uint32_t code_point(std::string_view text, std::size_t i, std::size_t length) {
  const auto bits = [&](std::size_t at, std::uint32_t mask) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[at])) & mask;
  };
  if (length == 1) return bits(i, 0x7F);
  if (length == 2) return bits(i, 0x1F) << 6U | bits(i + 1, 0x3F);
  return bits(i, 0x0F) << 12U | bits(i + 1, 0x3F) << 6U | bits(i + 2, 0x3F);
}

// Whether a terminal acts on the code point rather than showing it. None of these code points takes four
// bytes.
bool is_control(std::uint32_t point) {
  const bool ascii_or_c1 = point < 0x20 || (point >= 0x7F && point <= 0x9F);
  const bool direction = point == 0x200E || point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
                         (point >= 0x2066 && point <= 0x2069);
  return ascii_or_c1 || direction;
}

std::string written_out(std::uint32_t point) {
  if (point == '\n') return "\\n";
  if (point == '\t') return "\\t";
  if (point == '\r') return "\\r";
  return point < 0x80 ? fmt::format("\\x{:02X}", point) : fmt::format("\\u{:04X}", point);
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = code_point_length(text, i);
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

std::string printable(std::string_view text, bool keep_lines) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = code_point_length(text, i);
    if (length == 0) {
      shown += fmt::format("\\x{:02X}", static_cast<std::uint8_t>(text[i++]));
      continue;
    }
    const std::uint32_t point = length < 4 ? code_point(text, i, length) : 0x10000;
    if (is_control(point) && !(keep_lines && point == '\n')) {
      shown += written_out(point);
    } else {
      shown += text.substr(i, length);
    }
    i += length;
  }
  return shown;
}

std::string shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes;
  while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace toptheta
