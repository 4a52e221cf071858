// A file's bytes mapped into memory, read as they are touched.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

namespace toptheta {

class MappedFile {
 public:
  // Throws InputError where the file cannot be read, is not a regular file, or is a Git LFS pointer or a web
  // page (io/regular_file.hpp); UnfinishedError where the process has no address space left for it. An empty
  // file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(address_), size_};
  }
  // Drops the whole pages within `part`, a part of bytes(), from memory; they are read again when they are
  // next touched.
  void release(std::span<const std::byte> part) const;

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace toptheta
