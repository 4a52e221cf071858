#include "dump/spool.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/error.hpp"

namespace toptheta {

void Spool::fail(const char* what, int error) const {
  throw UnfinishedError(
      {.where = target_,
       .what = std::string(what) + ": " + std::generic_category().message(error),
       .next = "free some space: one layer's scores are collected next to the output file"});
}

Spool::Spool(const std::filesystem::path& target) : target_(target.string()) {
  std::string name = (std::filesystem::absolute(target).parent_path() / ".toptheta-spool-XXXXXX").string();
  descriptor_ = ::mkstemp(name.data());
  if (descriptor_ < 0) fail("cannot create a scratch file", errno);
  ::unlink(name.c_str());
}

Spool::~Spool() {
  ::close(descriptor_);
}

void Spool::write(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("cannot write a scratch file", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
}

void Spool::read(std::int64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail("cannot read a scratch file", count < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += count;
  }
}

}  // namespace toptheta
