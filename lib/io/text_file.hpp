// Whole text files, and UTF-8.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace toptheta {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The file's bytes as they are. Throws InputError, naming the file, if there is none or it cannot be read.
std::string read_file(const std::filesystem::path& path);

// The file's text without a leading byte order mark. Throws InputError also where it is not UTF-8, naming the
// line and the byte.
std::string read_text_file(const std::filesystem::path& path);

// Position of the first byte that does not belong to valid UTF-8 (no overlong forms, no surrogates, at most
// U+10FFFF).
std::optional<std::size_t> first_invalid_utf8(std::string_view text);
inline bool is_utf8(std::string_view text) {
  return !first_invalid_utf8(text).has_value();
}

}  // namespace toptheta
