#include "io/sealed_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "io/atomic_file.hpp"

namespace toptheta {

namespace {

constexpr std::string_view kMark = "\ntt-seal sha256 ";  // followed by 64 digits and a line break
constexpr std::size_t kSealBytes = kMark.size() + 64 + 1;
static_assert(kSealBytes == 81);

std::string seal_of(std::string_view content) {
  return fmt::format("{}{}\n", kMark, sha256_of_text(content));
}

std::string read_all(const std::filesystem::path& path, std::string_view kind) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw InputError(
        {.where = path.string(), .what = "cannot read: " + std::generic_category().message(errno)});
  if (!S_ISREG(status.st_mode))
    throw InputError({.where = path.string(), .what = "not a regular file", .expected = std::string(kind)});
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(bytes.data(), status.st_size))
    throw InputError({.where = path.string(), .what = "cannot read the file"});
  return bytes;
}

}  // namespace

void write_sealed_file(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.write(seal_of(content));
  file.commit();
}

std::string read_sealed_file(const std::filesystem::path& path, std::string_view kind) {
  std::string bytes = read_all(path, kind);
  const std::size_t end = bytes.size() < kSealBytes ? 0 : bytes.size() - kSealBytes;
  const std::string seal = bytes.substr(end);
  if (!seal.starts_with(kMark))
    throw InputError({.where = path.string(),
                      .what = fmt::format("not {}, or cut short", kind),
                      .expected = "a file that ends with its seal",
                      .found = fmt::format("{} bytes without a seal", bytes.size())});
  bytes.resize(end);
  if (seal != seal_of(bytes))
    throw InputError({.where = path.string(),
                      .what = "the file is damaged: its content does not match its seal",
                      .expected = seal.substr(kMark.size(), 64),
                      .found = sha256_of_text(bytes),
                      .next = "copy the file again, or create it again"});
  return bytes;
}

}  // namespace toptheta
