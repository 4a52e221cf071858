#include "io/text_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "core/error.hpp"
#include "io/regular_file.hpp"

namespace toptheta {

std::string read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const auto require_small = [&](std::size_t size) {
    if (size > max_bytes)
      throw InputError({.where = path.string(),
                        .what = "too large for a file of its kind",
                        .expected = fmt::format("at most {} bytes", max_bytes),
                        .found = fmt::format("{} bytes", size)});
  };
  const RegularFile file(path);
  require_small(file.size());
  std::string bytes(file.size() + 1, '\0');  // one byte more, so that the end is found without growing
  std::size_t used = 0;
  for (;;) {
    // The file may have grown since it was opened, or be a file in /proc, whose size the system reports as 0.
    if (used == bytes.size()) bytes.resize(used + std::max(used / 2, std::size_t{4096}));
    const ssize_t count = ::read(file.descriptor(), bytes.data() + used, bytes.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw InputError(
          {.where = path.string(), .what = "cannot read: " + std::generic_category().message(errno)});
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
    require_small(used);
  }
  bytes.resize(used);
  refuse_lfs_pointer(path, bytes);
  return bytes;
}

std::string_view binary_kind(std::string_view start) {
  if (start.starts_with("\x89HDF\r\n")) return "an HDF5 file";
  if (start.starts_with("GGUF")) return "a GGUF file";
  if (start.starts_with("PK\x03\x04")) return "a zip archive";
  if (start.starts_with("\x1F\x8B")) return "a gzip file";
  if (start.starts_with("\x93NUMPY")) return "a numpy array";
  return "";
}

std::string read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::string text = read_file(path, max_bytes);
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  const auto invalid = first_invalid_utf8(text);
  if (invalid && !binary_kind(text).empty())
    throw InputError({.where = path.string(),
                      .what = "not a text",
                      .found = std::string(binary_kind(text)),
                      .next = "check that this is the file you meant"});
  if (invalid) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*invalid), '\n');
    throw InputError({.where = fmt::format("{}:{}", path.string(), line),
                      .what = "not UTF-8",
                      .found = fmt::format("byte 0x{:02X}", static_cast<std::uint8_t>(text[*invalid])),
                      .next = "convert the file to UTF-8"});
  }
  return text;
}

}  // namespace toptheta
