// Where results go: a file, written atomically, or standard output.
#pragma once
#include <filesystem>
#include <string_view>

namespace toptheta::app {

// Throws UnfinishedError if standard output is full. Where its reader has gone (`| head`), the process ends
// by SIGPIPE, without a word.
void write_stdout(std::string_view text);

// What is said on standard output beside a result that is `written` to its file already; nothing where
// `quiet`. As write_stdout, but the error says that the file is there.
void write_summary(const std::filesystem::path& written, std::string_view text, bool quiet);

// To standard error; where that cannot be written, to nowhere.
void write_stderr(std::string_view text);

// To `path`, or to standard output where it is empty. A file is replaced as a whole; a device or a named pipe
// is written as it stands.
void write_output(const std::filesystem::path& path, std::string_view text);

// Throws UnfinishedError where write_output() or an AtomicFile could not write to `path`, so that a command
// learns it before hours of work. Leaves nothing behind.
void require_writable(const std::filesystem::path& path);

// Throws UsageError, naming `flag`, if writing to `path` would overwrite one of the command's inputs.
void require_distinct(const std::filesystem::path& path, const std::filesystem::path& input,
                      std::string_view flag);

}  // namespace toptheta::app
