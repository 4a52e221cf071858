// Output files that are either complete or not there.
//
// A file is written under a temporary name in its own directory, flushed to the disk and renamed on commit().
// Whoever opens the target meanwhile sees the old file or none.
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

  // Where to write, for libraries that open files by name. They must have closed it before commit().
  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
  // The name the caller gave, for messages.
  [[nodiscard]] const std::filesystem::path& target() const { return target_; }

  // Appends to the temporary file. Throws UnfinishedError with the system's reason.
  void write(std::string_view bytes);

  // Flushes and renames. Throws UnfinishedError; the target is then untouched. Call it once.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what, int error) const;

  std::filesystem::path target_;
  std::filesystem::path destination_;  // absolute, links resolved
  std::filesystem::path temporary_;    // absolute
  int descriptor_ = -1;
  void* guard_ = nullptr;  // entry in the list that remove_temporary_files() walks
};

// Opens, writes and commits in one go.
void write_file_atomically(const std::filesystem::path& target, std::string_view bytes);

// Removes the temporary files of all AtomicFiles alive. Async-signal-safe: for a handler of SIGINT and
// SIGTERM, which should then end the process with _exit or by the signal's default action.
void remove_temporary_files() noexcept;

}  // namespace toptheta
