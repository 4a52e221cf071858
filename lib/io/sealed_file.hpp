// Files that end with their own SHA-256, so that damage is found before any of the content is used.
//
// The seal is a last line of 81 bytes after the content, line breaks included. Programs that read the
// content's format from the front, such as HDF5, are not disturbed by it.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace toptheta {

// Writes content and seal atomically. Throws UnfinishedError if the file cannot be written.
void write_sealed_file(const std::filesystem::path& path, std::string_view content);

// Returns the content. `kind` says what the file should be: "a calibration part". Throws InputError for a
// file that cannot be read, has no seal (it is something else, or was cut short), or does not match its seal.
std::string read_sealed_file(const std::filesystem::path& path, std::string_view kind);

}  // namespace toptheta
