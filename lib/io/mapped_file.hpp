// A file's bytes in memory, read as they are touched.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace toptheta {

class MappedFile {
 public:
  // Throws InputError if the file cannot be read or is not a regular file, UnfinishedError where the process
  // has no address space left for it. An empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(address_), size_};
  }
  // Takes the whole pages of `part`, of bytes(), out of the process's memory until they are touched again.
  void release(std::span<const std::byte> part) const;

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace toptheta
