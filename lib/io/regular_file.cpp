#include "io/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.hpp"

namespace toptheta {

namespace {

std::string advice_on(const std::filesystem::path& path, int error) {
  if (error == EISDIR) return "name a file in it";
  std::error_code ignored;
  if (error == ENOENT && path.is_relative())
    return "check the name; the working directory is " + std::filesystem::current_path(ignored).string();
  return "";
}

[[noreturn]] void fail_to_read(const std::filesystem::path& path, int error) {
  throw InputError({.where = path.string(),
                    .what = "cannot read: " + std::generic_category().message(error),
                    .next = advice_on(path, error)});
}

const char* kind_of(mode_t mode) {
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

void require_regular(const std::filesystem::path& path, const struct stat& status) {
  if (S_ISDIR(status.st_mode)) fail_to_read(path, EISDIR);
  if (!S_ISREG(status.st_mode))
    throw InputError({.where = path.string(),
                      .what = "cannot read: not a regular file",
                      .found = kind_of(status.st_mode),
                      .next = "save it to a file first"});
}

}  // namespace

void require_regular_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) fail_to_read(path, errno);
  require_regular(path, status);
}

RegularFile::RegularFile(const std::filesystem::path& path) {
  require_regular_file(path);  // before opening, because opening a device may already have an effect
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) fail_to_read(path, errno);
  try {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail_to_read(path, errno);
    require_regular(path, status);  // it may have been replaced by another file meanwhile
    size_ = static_cast<std::size_t>(status.st_size);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

RegularFile::~RegularFile() {
  ::close(descriptor_);
}

void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view start) {
  if (start.starts_with("version https://git-lfs.github.com/spec/"))
    throw InputError({.where = path.string(),
                      .what = "a Git LFS pointer instead of the file itself",
                      .next = "fetch the file itself: git lfs pull"});
  if (start.starts_with("<!DOCTYPE html") || start.starts_with("<!doctype html") ||
      start.starts_with("<html"))
    throw InputError({.where = path.string(),
                      .what = "a web page instead of the file itself",
                      .next = "fetch the file itself, not the page about it"});
}

}  // namespace toptheta
