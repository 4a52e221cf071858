// ZIP archives of uncompressed entries: what numpy's .npz is.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "io/atomic_file.hpp"

namespace toptheta {

// Entries carry no times: equal entries give equal bytes.
class ZipWriter {
 public:
  // Throws UnfinishedError, here and below, if the file cannot be written.
  explicit ZipWriter(const std::filesystem::path& path);

  // `name` is relative, with '/' between folders, and used once.
  void add(std::string_view name, std::string_view content);

  // Writes the directory and puts the file in its place. Throws UnfinishedError where the archive would be
  // 4 GiB or more, or have 65535 entries or more, which the plain format cannot say.
  void commit();

 private:
  AtomicFile file_;
  std::string directory_;
  std::uint64_t size_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace toptheta
