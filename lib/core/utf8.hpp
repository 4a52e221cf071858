// UTF-8: telling it from other bytes, and showing text that comes from files without letting it steer the
// terminal.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace toptheta {

// Position of the first byte that does not belong to valid UTF-8 (no overlong forms, no surrogates, at most
// U+10FFFF).
std::optional<std::size_t> first_invalid_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) {
  return !first_invalid_utf8(text).has_value();
}

// `text` with everything that could steer a terminal or hide text written out: control characters as \x1B or
// \u009B, marks that turn the direction of writing as \u202E, bytes that are not UTF-8 as \xFF. Line breaks
// are written out as \n unless `keep_lines`. Text that needs none of this is returned as it is.
std::string printable(std::string_view text, bool keep_lines = false);

// At most `bytes` bytes of `text`, cut between code points, with "..." where something was cut off.
std::string shortened(std::string_view text, std::size_t bytes = 60);

}  // namespace toptheta
