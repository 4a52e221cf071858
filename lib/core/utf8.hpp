// UTF-8: checking that bytes are UTF-8, and showing text from files so that it cannot steer the terminal.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace toptheta {

// Position of the first byte that does not belong to valid UTF-8 (no overlong forms, no surrogates, at most
// U+10FFFF); nullopt where all of it is valid.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) {
  return !first_invalid_utf8(text).has_value();
}

// `text` with everything written out that could steer a terminal or hide text: control characters as \x1B or
// \u009B, marks that change the direction of writing as \u202E, bytes that are not UTF-8 as \xFF. Line breaks
// are written out as \n unless `keep_lines`. Text that contains none of these is returned unchanged.
std::string printable(std::string_view text, bool keep_lines = false);

// At most `bytes` bytes of `text`, cut between code points, with "..." where something was cut off.
std::string shortened(std::string_view text, std::size_t bytes = 60);

}  // namespace toptheta
