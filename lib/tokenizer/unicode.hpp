// UTF-8, and the parts of Unicode that tokenizing needs. The tables are those of utf8proc.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// The offset of the first byte that is not valid UTF-8 (overlong forms, surrogates, code points above
// U+10FFFF and truncated sequences are invalid); nullopt if all are valid.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// `bytes` with every maximal part of an invalid sequence replaced by U+FFFD, as the Unicode standard
// recommends.
std::string to_valid_utf8(std::string_view bytes);

// Number of code points. Requires valid UTF-8.
std::int64_t count_code_points(std::string_view text);

// Bytes of the character that starts with `first`, 1 to 4. Requires valid UTF-8.
inline std::size_t utf8_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// Code point of the character at the start of `text`. Requires valid UTF-8, not empty.
char32_t first_code_point(std::string_view text);

// Appends a code point in UTF-8.
void append_utf8(std::string& text, char32_t code_point);

// Whether the code point has Unicode's White_Space property.
bool is_white_space(char32_t code_point);

// Whether the general category is one of the marks (Mn, Mc, Me).
bool is_mark(char32_t code_point);

// The text in one of Unicode's normal forms. Requires valid UTF-8.
enum class NormalForm { nfc, nfd, nfkc, nfkd };
std::string normalized(std::string_view text, NormalForm form);

// Every character in lower case, regardless of its neighbours: a final sigma is treated like any other.
std::string lower_case(std::string_view text);

// The text split into extended grapheme clusters, which readers perceive as characters. Requires valid UTF-8.
std::vector<std::string_view> graphemes(std::string_view text);

// The number of bytes of white space at the start and at the end of `text`. Require valid UTF-8.
std::size_t leading_white_space(std::string_view text);
std::size_t trailing_white_space(std::string_view text);

// `text` without the white space at both ends.
std::string_view strip_white_space(std::string_view text);

}  // namespace toptheta
