#include "common/output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "common/signals.hpp"
#include "core/error.hpp"
#include "io/atomic_file.hpp"

namespace toptheta::app {

namespace {

// The error of writing `text` to standard output; 0 where it is written. Where nobody reads any longer (`|
// head`) the process ends as others do, quietly.
int try_stdout(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return 0;
  if (errno != EPIPE) return errno != 0 ? errno : EIO;
  remove_temporary_files();
  end_by_signal(SIGPIPE);
}

// A device or a pipe (/dev/null, the shell's >(...)): there is nothing to replace, it is written as it
// stands.
bool is_stream(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_character_file(path, ignored) || std::filesystem::is_fifo(path, ignored);
}

void write_stream(const std::filesystem::path& path, std::string_view text) {
  std::FILE* stream = std::fopen(path.c_str(), "we");
  bool whole = stream != nullptr && std::fwrite(text.data(), 1, text.size(), stream) == text.size();
  if (stream != nullptr) whole = std::fclose(stream) == 0 && whole;
  if (!whole)
    throw UnfinishedError(
        {.where = path.string(), .what = "cannot write the result", .found = std::strerror(errno)});
}

}  // namespace

void write_stdout(std::string_view text) {
  if (const int error = try_stdout(text); error != 0)
    throw UnfinishedError({.where = "standard output",
                           .what = "cannot write the result",
                           .found = std::strerror(error),
                           .next = "write to a file with -o"});
}

void write_summary(const std::filesystem::path& written, std::string_view text, bool quiet) {
  if (quiet) return;
  if (const int error = try_stdout(text); error != 0)
    throw UnfinishedError(
        {.where = "standard output",
         .what = fmt::format("cannot write the summary; {} is written and complete", written.string()),
         .found = std::strerror(error),
         .next = "-q suppresses the summary"});
}

void write_stderr(std::string_view text) {
  // Where it cannot be written there is nobody to tell.
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  (void)std::fflush(stderr);
}

void write_output(const std::filesystem::path& path, std::string_view text) {
  if (path.empty())
    write_stdout(text);
  else if (is_stream(path))
    write_stream(path, text);
  else
    write_file_atomically(path, text);
}

void require_writable(const std::filesystem::path& path) {
  // Makes the temporary file of an atomic write and removes it again.
  if (!path.empty() && !is_stream(path)) const AtomicFile probe(path);
}

void require_no_terminal(const std::filesystem::path& output, std::string_view command,
                         std::string_view next) {
  if (output.empty() && ::isatty(STDOUT_FILENO) != 0)
    throw UsageError({.where = std::string(command),
                      .what = "a page of HTML is for a browser, not for the terminal",
                      .expected = "-o FILE, or standard output that goes to a file or a pipe",
                      .next = std::string(next)});
}

void require_distinct(const std::filesystem::path& path, const std::filesystem::path& input,
                      std::string_view flag) {
  std::error_code ignored;
  if (!path.empty() && std::filesystem::equivalent(path, input, ignored))
    throw UsageError({.where = std::string(flag),
                      .what = "the output would overwrite an input",
                      .found = path.string(),
                      .next = "name another output file"});
}

}  // namespace toptheta::app
