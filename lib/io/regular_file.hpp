// Opening input files, which must be regular files. A pipe, a device or a directory is refused before it is
// opened, so that no input can block the program or go on without end.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string_view>

namespace toptheta {

// An open regular file, which closes itself.
class RegularFile {
 public:
  // Throws InputError, naming the file, if it does not exist, is not a regular file or cannot be opened.
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::size_t size() const { return size_; }  // in bytes, when it was opened

 private:
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

// The same checks for a file that a library will open itself.
void require_regular_file(const std::filesystem::path& path);

// Throws InputError if a file that begins with `start` (100 bytes are enough) is a pointer that Git LFS left
// because the file itself was not fetched, or a web page that was saved in its place.
void refuse_lfs_pointer(const std::filesystem::path& path, std::string_view start);

}  // namespace toptheta
