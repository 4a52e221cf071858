// ZIP archives of uncompressed entries, as in numpy's .npz files.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "io/atomic_file.hpp"

namespace toptheta {

// Entries record no times, so equal entries give equal bytes.
class ZipWriter {
 public:
  // Throws UnfinishedError, here and below, where the file cannot be written.
  explicit ZipWriter(const std::filesystem::path& path);

  // `name` is relative, with '/' between folders, and may be used only once.
  void add(std::string_view name, std::string_view content);

  // Writes the directory and puts the file in place. Throws UnfinishedError where the archive would have 4
  // GiB or more, or 65535 entries or more: the plain format cannot express these.
  void commit();

 private:
  AtomicFile file_;
  std::string directory_;
  std::uint64_t size_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace toptheta
