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

// The file's bytes, unchanged. Throws InputError, naming the file, where it does not exist, is not a regular
// file, has more than `max_bytes` bytes, is a Git LFS pointer or a web page (io/regular_file.hpp), or cannot
// be read.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes = kLargestTextFile);

// What bytes that begin with `start` are, if they are known to be no text: "an HDF5 file"; otherwise empty.
std::string_view binary_kind(std::string_view start);

// The file's text without a leading byte order mark. Throws also where it is not UTF-8, naming line and byte.
std::string read_text_file(const std::filesystem::path& path, std::size_t max_bytes = kLargestTextFile);

}  // namespace toptheta
