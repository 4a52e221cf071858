#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>

#include "core/error.hpp"

namespace toptheta {

namespace {

constexpr std::size_t kPathLimit = 4096;

// The name of a temporary file that the signal handler may have to remove. Guards are never freed, only
// reused, so that the handler can walk their list without a lock.
struct Guard {
  enum State : int { free, filling, armed };
  std::atomic<int> state{filling};
  std::array<char, kPathLimit> path{};
  Guard* next = nullptr;
};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<Guard*>::is_always_lock_free);

std::atomic<Guard*> first_guard{nullptr};

Guard* acquire_guard() {
  for (Guard* guard = first_guard.load(); guard != nullptr; guard = guard->next) {
    int free = Guard::free;
    if (guard->state.compare_exchange_strong(free, Guard::filling)) return guard;
  }
  auto* guard = new Guard;
  guard->next = first_guard.load();
  while (!first_guard.compare_exchange_weak(guard->next, guard)) {
  }
  return guard;
}

Guard* guard_path(const std::filesystem::path& path) {
  Guard* guard = acquire_guard();
  const std::string& text = path.native();
  std::memcpy(guard->path.data(), text.c_str(), text.size() + 1);
  guard->state = Guard::armed;
  return guard;
}

std::string reason(int error) {
  return std::generic_category().message(error);
}

// The file that `target` names once symbolic links are followed, absolute.
std::filesystem::path resolve(const std::filesystem::path& target) {
  std::error_code error;
  std::filesystem::path resolved = std::filesystem::absolute(target, error);
  // A link may point to another link, or to a file that does not exist yet.
  for (int depth = 0; depth < 40 && std::filesystem::is_symlink(resolved, error); ++depth)
    resolved = resolved.parent_path() / std::filesystem::read_symlink(resolved, error);
  return resolved;
}

// A hidden name next to the target, different for every process on every machine that shares the directory.
std::filesystem::path temporary_name(const std::filesystem::path& destination) {
  constexpr std::size_t kKeptName = 200;  // bytes; the rest fits within the usual limit of 255
  std::random_device random;
  return destination.parent_path() / fmt::format(".{}.{:08x}{:08x}.tmp",
                                                 destination.filename().native().substr(0, kKeptName),
                                                 random(), random());
}

}  // namespace

void AtomicFile::fail(std::string_view what, int error) const {
  throw UnfinishedError({.where = target_.string(), .what = fmt::format("{}: {}", what, reason(error))});
}

AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target), destination_(resolve(target)) {
  if (target.empty()) throw UnfinishedError({.what = "an output file needs a name"});
  struct stat status {};
  mode_t mode = 0;
  if (::stat(destination_.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) {
      throw UnfinishedError({.where = target.string(),
                             .what = S_ISDIR(status.st_mode) ? "cannot write: is a directory"
                                                             : "cannot write: is not a regular file",
                             .next = "give the name of a file that may be created or replaced"});
    }
    mode = status.st_mode & 07777U;
  }
  const std::filesystem::path directory = destination_.parent_path();
  if (::stat(directory.c_str(), &status) != 0 && errno == ENOENT) {
    throw UnfinishedError(
        {.where = target.string(),
         .what = fmt::format("cannot write: there is no directory '{}'", directory.string()),
         .next = "create the directory first"});
  }
  temporary_ = temporary_name(destination_);
  if (temporary_.native().size() >= kPathLimit) fail("cannot write", ENAMETOOLONG);
  auto* guard = guard_path(temporary_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    const int error = errno;
    guard->state = Guard::free;
    fail("cannot write", error);
  }
  guard_ = guard;
  // An existing file keeps its permissions where the system lets us set them.
  if (mode != 0) static_cast<void>(::fchmod(descriptor_, mode) == 0);
}

AtomicFile::~AtomicFile() {
  if (guard_ == nullptr) return;  // committed
  if (descriptor_ >= 0) ::close(descriptor_);
  ::unlink(temporary_.c_str());
  static_cast<Guard*>(guard_)->state = Guard::free;
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  // This also flushes what was written through other descriptors, such as a library's own.
  if (::fsync(descriptor_) != 0) fail("cannot write to the disk", errno);
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0) fail("cannot write to the disk", errno);
  if (::rename(temporary_.c_str(), destination_.c_str()) != 0) fail("cannot replace the file", errno);
  static_cast<Guard*>(guard_)->state = Guard::free;
  guard_ = nullptr;
  // This makes the new name survive a power cut. The file is complete in any case, so a failure here is
  // ignored.
  const int directory = ::open(destination_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  static_cast<void>(::fsync(directory) == 0);
  ::close(directory);
}

void write_file_atomically(const std::filesystem::path& target, std::string_view bytes) {
  AtomicFile file(target);
  file.write(bytes);
  file.commit();
}

void remove_temporary_files() noexcept {
  for (const Guard* guard = first_guard.load(); guard != nullptr; guard = guard->next) {
    if (guard->state.load() == Guard::armed) ::unlink(guard->path.data());
  }
}

}  // namespace toptheta
