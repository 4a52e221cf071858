// Files that end in their own SHA-256, so that damage is found before anything in them is believed.
//
// The seal is a last line of 81 bytes with its line breaks after the content; programs that know the
// content's format and read it from the front (HDF5) do not mind it.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace toptheta {

// Atomic. Throws UnfinishedError if the file cannot be written.
void write_sealed_file(const std::filesystem::path& path, std::string_view content);

// The content. `kind` says what the file should be, "a calibration part". Throws InputError for a file that
// cannot be read, has no seal (it is something else, or was cut short), or does not match it.
std::string read_sealed_file(const std::filesystem::path& path, std::string_view kind);

}  // namespace toptheta
