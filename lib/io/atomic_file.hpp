// Output files that are either complete or absent.
//
// A file is written under a temporary name in the target's directory; commit() flushes it to the disk and
// renames it. Whoever opens the target in the meantime sees the old file or none.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace toptheta {

class AtomicFile {
 public:
  // Creates the empty temporary file. Throws UnfinishedError, naming the target, if its directory does not
  // exist or cannot be written, or if the target exists and is not a regular file. A symbolic link is
  // followed: the file it points to is replaced. An existing target's permissions are kept.
  explicit AtomicFile(const std::filesystem::path& target);
  // Removes the temporary file unless it was committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // The path to write to, for libraries that open files by name. They must have closed it before commit().
  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
  // The name that the caller gave, for messages.
  [[nodiscard]] const std::filesystem::path& target() const { return target_; }

  // Appends to the temporary file. Throws UnfinishedError with the system's reason.
  void write(std::string_view bytes);

  // Flushes and renames. On UnfinishedError the target is untouched. Must be called at most once.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what, int error) const;

  std::filesystem::path target_;
  std::filesystem::path destination_;  // absolute, links resolved
  std::filesystem::path temporary_;    // absolute
  int descriptor_ = -1;
  void* guard_ = nullptr;  // entry in the list that remove_temporary_files() walks
};

// Opens, writes and commits in one call. Throws UnfinishedError.
void write_file_atomically(const std::filesystem::path& target, std::string_view bytes);

// Removes the temporary files of all AtomicFiles that are alive. Async-signal-safe: a handler of SIGINT or
// SIGTERM may call it, and should then end the process with _exit or by the signal's default action.
void remove_temporary_files() noexcept;

}  // namespace toptheta
