// Whole text files.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/utf8.hpp"

namespace toptheta {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of UTF-8

inline constexpr std::size_t kLargestTextFile = std::size_t{1} << 32;  // bytes

// The file's bytes as they are. Throws InputError, naming the file, if there is none, if it is not a regular
// file of at most `max_bytes` bytes, if it is a pointer of Git LFS, or if it cannot be read.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes = kLargestTextFile);

// The file's text without a leading byte order mark. Throws InputError also where it is not UTF-8, naming the
// line and the byte.
std::string read_text_file(const std::filesystem::path& path, std::size_t max_bytes = kLargestTextFile);

}  // namespace toptheta
