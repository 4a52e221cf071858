#include "io/hdf5_probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "core/error.hpp"
#include "io/hdf5_walk.hpp"
#include "io/regular_file.hpp"

namespace toptheta::hdf5 {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsMemory = false;  // a sanitizer's shadow memory exceeds any limit
#else
constexpr bool kLimitsMemory = true;
#endif

constexpr rlim_t kMemory =
    rlim_t{1} << 29;  // beyond what the process already has; real metadata take a few megabytes

// The limit of processor time in seconds: a walk reads at most the whole file.
rlim_t seconds_for(std::int64_t bytes) {
  return static_cast<rlim_t>(3 + bytes / (std::int64_t{64} << 20));
}

void lower_limit(decltype(RLIMIT_CPU) kind, rlim_t most) {
  struct rlimit limit {};
  if (::getrlimit(kind, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(limit.rlim_max, most);
  ::setrlimit(kind, &limit);
}

// The address space that the process uses now; 0 where the system does not say.
rlim_t address_space() {
  std::array<char, 64> text{};
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t count = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  return count <= 0 ? 0
                    : std::strtoull(text.data(), nullptr, 10) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

// Called in the child: sets its limits, and detaches it from the parent's signal handlers and terminal.
void isolate(std::int64_t bytes) {
  for (int signal = 1; signal < NSIG; ++signal)
    if (signal != SIGKILL && signal != SIGSTOP) std::signal(signal, SIG_DFL);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::dup2(nowhere, standard);
  lower_limit(RLIMIT_CORE, 0);
  lower_limit(RLIMIT_CPU, seconds_for(bytes));
  const rlim_t space = address_space();
  if (kLimitsMemory && space > 0) lower_limit(RLIMIT_AS, space + kMemory);
}

struct Outcome {
  int status = 0;    // of waitpid()
  std::string sent;  // all that the child wrote into the pipe
};

// Reads what the child sends and waits for its end; kills it where it takes too long.
Outcome wait_for(pid_t child, int pipe, std::int64_t bytes) {
  // Far more than the limit of processor time, because machines are busy and disks are slow.
  const auto patience = static_cast<int>(std::min<rlim_t>(60'000 + 10'000 * seconds_for(bytes), 1U << 30));
  Outcome outcome;
  std::array<char, 1 << 14> piece{};
  while (true) {
    struct pollfd ready {
      pipe, POLLIN, 0
    };
    const int events = ::poll(&ready, 1, patience);
    if (events < 0 && errno == EINTR) continue;
    if (events == 0) ::kill(child, SIGKILL);
    const ssize_t count = events > 0 ? ::read(pipe, piece.data(), piece.size()) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    outcome.sent.append(piece.data(), static_cast<std::size_t>(count));
  }
  while (::waitpid(child, &outcome.status, 0) < 0 && errno == EINTR) {
  }
  return outcome;
}

// In the child: the walk, and what it found into the pipe. Returns the exit status.
int walk_and_send(const char* path, bool live, int pipe) noexcept {
  try {
    AttributeValues values;
    const int result = walk_file(path, live, values);
    if (result != kWalkDone) return result;
    const std::string bytes = values.packed();
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t count = ::write(pipe, bytes.data() + sent, bytes.size() - sent);
      if (count < 0 && errno != EINTR) return kWalkNotSent;
      if (count > 0) sent += static_cast<std::size_t>(count);
    }
    return result;
  } catch (const std::exception&) {
    return kWalkNeedsMemory;  // nothing else throws here
  }
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string found) {
  throw InputError(
      {.where = path.string(),
       .what = "damaged: the HDF5 library fails badly when it reads the file (tried in a separate process)",
       .expected = "an intact HDF5 file",
       .found = std::move(found),
       .next = "write or copy the file again"});
}

void judge(const std::filesystem::path& path, int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU || signal == SIGKILL) refuse(path, "reading does not end");
    refuse(path, fmt::format("a crash in the library (signal {})", signal));
  }
  const int result = WEXITSTATUS(status);
  if (result == kWalkNeedsMemory)
    refuse(path, fmt::format("reading its structure takes more than {} MiB of memory", kMemory >> 20));
  if (result == kWalkBroken) refuse(path, "attributes or links that the library cannot list");
  if (result != kWalkDone && result != kWalkNotOpened)
    refuse(path,
           fmt::format("the reading process ended with status {}", result));  // the status of a sanitizer
}

// Walks the file in a child process, and returns what it found; null where the library could not open the
// file. Throws where the child failed.
std::shared_ptr<const AttributeValues> walk_in_child(const std::filesystem::path& path, std::int64_t bytes,
                                                     bool live) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw UnfinishedError({.what = "cannot create a pipe: " + std::generic_category().message(errno)});
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    isolate(bytes);
    ::_exit(walk_and_send(path.c_str(), live, ends[1]));
  }
  const int error = errno;
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    throw UnfinishedError({.what = "cannot start a process: " + std::generic_category().message(error)});
  }
  const Outcome outcome = wait_for(child, ends[0], bytes);
  ::close(ends[0]);
  judge(path, outcome.status);
  if (WEXITSTATUS(outcome.status) != kWalkDone) return nullptr;
  std::optional<AttributeValues> values = AttributeValues::unpacked(outcome.sent);
  if (!values) refuse(path, "the reading process did not finish its report");
  return std::make_shared<const AttributeValues>(std::move(*values));
}

}  // namespace

std::shared_ptr<const AttributeValues> require_sound_file(const std::filesystem::path& path, bool live) {
  struct stat status {};
  {
    const RegularFile file(path);
    std::array<char, 100> start{};
    const ssize_t count = ::pread(file.descriptor(), start.data(), start.size(), 0);
    if (::fstat(file.descriptor(), &status) != 0 || count <= 0)
      throw InputError({.where = path.string(),
                        .what = count == 0 ? "the file is empty" : "cannot read the file",
                        .expected = "an HDF5 file"});
    refuse_lfs_pointer(path, {start.data(), static_cast<std::size_t>(count)});
  }
  if (H5Fis_hdf5(path.c_str()) == 0) throw InputError({.where = path.string(), .what = "not an HDF5 file"});
  // A live file changes all the time, so it is walked only once, whatever its size and time.
  using Version = std::tuple<dev_t, ino_t, bool, off_t, time_t, long>;
  static std::map<Version, std::shared_ptr<const AttributeValues>> known;
  Version version{status.st_dev, status.st_ino, live, 0, 0, 0};
  if (!live)
    version = {status.st_dev,  status.st_ino,         live,
               status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  const auto found = known.find(version);
  if (found != known.end()) return found->second;
  std::shared_ptr<const AttributeValues> values = walk_in_child(path, status.st_size, live);
  if (values) known.emplace(version, values);
  return values;
}

}  // namespace toptheta::hdf5
