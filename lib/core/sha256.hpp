// SHA-256 of files and texts, as 64 lower-case hexadecimal digits.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace toptheta {

std::string sha256_of_text(std::string_view text);
// Reads the file in pieces. Throws InputError if it cannot be read. The digest of a directory covers the
// names and contents of the regular files directly in it, in the order of their names; it identifies a model.
std::string sha256_of_path(const std::filesystem::path& path);

}  // namespace toptheta
