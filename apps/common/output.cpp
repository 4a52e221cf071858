#include "common/output.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/error.hpp"
#include "io/atomic_file.hpp"

namespace toptheta::app {

void write_stdout(std::string_view text) {
  errno = 0;
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written)
    throw UnfinishedError({.where = "standard output",
                           .what = "cannot write the result",
                           .found = errno != 0 ? std::strerror(errno) : "an earlier write failed",
                           .next = "write to a file with -o"});
}

void write_output(const std::filesystem::path& path, std::string_view text) {
  if (path.empty())
    write_stdout(text);
  else
    write_file_atomically(path, text);
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
