// Where results go: a file, written atomically, or standard output.
#pragma once
#include <filesystem>
#include <string_view>

namespace toptheta::app {

// Throws UnfinishedError if standard output is full. If its reader has gone (`| head`), the process ends by
// SIGPIPE without a message.
void write_stdout(std::string_view text);

// Prints the summary of a result that has already been `written` to its file, unless `quiet`. Like
// write_stdout(), but an error says that the file is complete.
void write_summary(const std::filesystem::path& written, std::string_view text, bool quiet);

// Writes to standard error; if that fails, the text is lost.
void write_stderr(std::string_view text);

// Writes to `path`, or to standard output if it is empty. A file is replaced as a whole; a device or a named
// pipe is written directly.
void write_output(const std::filesystem::path& path, std::string_view text);

// Throws UnfinishedError if write_output() or an AtomicFile could not write to `path`, so that a command
// finds out before hours of work. Leaves nothing behind.
void require_writable(const std::filesystem::path& path);

// Throws UsageError if a page of HTML, for which `output` names no file, would go to a terminal. `command` is
// the place, and `next` a command that writes a file.
void require_no_terminal(const std::filesystem::path& output, std::string_view command,
                         std::string_view next);

// Throws UsageError, naming `flag`, if writing to `path` would overwrite one of the command's inputs.
void require_distinct(const std::filesystem::path& path, const std::filesystem::path& input,
                      std::string_view flag);

}  // namespace toptheta::app
