// Inside dump: an unnamed file that collects what arrives in any order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace toptheta {

class Spool {
 public:
  // In the directory of `target`, without a name there: nothing is left behind however the process ends.
  // Throws UnfinishedError, naming the target, here and below.
  explicit Spool(const std::filesystem::path& target);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // May be called from several threads at once for different places.
  void write(std::int64_t offset, std::span<const std::byte> bytes);
  // Bytes that were written.
  void read(std::int64_t offset, std::span<std::byte> bytes) const;

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  std::string target_;
  int descriptor_ = -1;
};

}  // namespace toptheta
