// SHA-256 of files and texts, as 64 lower-case hexadecimal digits.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace toptheta {

std::string sha256_of_text(std::string_view text);
// Streams the file; throws InputError if it cannot be read. A directory's digest covers the names and
// contents of the regular files directly in it, in name order (a model's identity).
std::string sha256_of_path(const std::filesystem::path& path);

}  // namespace toptheta
