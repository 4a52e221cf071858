// A whole file in memory.
#pragma once
#include <filesystem>
#include <string>

namespace toptheta {

// The file's bytes as they are. Throws InputError if it is missing, a directory, or cannot be read.
std::string read_text_file(const std::filesystem::path& path);

}  // namespace toptheta
