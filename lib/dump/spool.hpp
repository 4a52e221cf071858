// Internal to lib/dump: an unnamed file that collects data which arrive in any order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace toptheta {

class Spool {
 public:
  // Creates the file in the directory of `target` and removes its name, so that nothing is left behind
  // however the process ends. This and the functions below throw UnfinishedError, naming the target.
  explicit Spool(const std::filesystem::path& target);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // May be called from several threads at once for different parts of the file.
  void write(std::int64_t offset, std::span<const std::byte> bytes);
  // Reads bytes that were written before.
  void read(std::int64_t offset, std::span<std::byte> bytes) const;

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  std::string target_;
  int descriptor_ = -1;
};

}  // namespace toptheta
