// Where results go: a file, written atomically, or standard output.
#pragma once
#include <filesystem>
#include <string_view>

namespace toptheta::app {

// Throws UnfinishedError if standard output is closed or full.
void write_stdout(std::string_view text);

// To `path`, or to standard output where it is empty.
void write_output(const std::filesystem::path& path, std::string_view text);

// Throws UsageError, naming `flag`, if writing to `path` would overwrite one of the command's inputs.
void require_distinct(const std::filesystem::path& path, const std::filesystem::path& input,
                      std::string_view flag);

}  // namespace toptheta::app
