#include "io/mapped_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "core/error.hpp"
#include "io/regular_file.hpp"

namespace toptheta {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const RegularFile file(path);  // closed on return; the mapping stays
  if (file.size() == 0) return;
  std::array<char, 100> start{};
  const ssize_t count = ::pread(file.descriptor(), start.data(), start.size(), 0);
  if (count > 0) refuse_lfs_pointer(path, {start.data(), static_cast<std::size_t>(count)});
  void* address = ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    Problem problem{.where = path.string(),
                    .what = "cannot map into memory: " + std::generic_category().message(error)};
    if (error != ENOMEM) throw InputError(std::move(problem));
    problem.next = "give the process more address space (ulimit -v)";
    throw UnfinishedError(std::move(problem));
  }
  address_ = address;
  size_ = file.size();
}

MappedFile::~MappedFile() {
  if (address_ != nullptr) ::munmap(address_, size_);
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<std::size_t>(part.data() - static_cast<const std::byte*>(address_));
  const std::size_t begin = (offset + page - 1) / page * page;
  const std::size_t end = (offset + part.size()) / page * page;
  // Only advice: nothing depends on whether the system follows it.
  if (begin < end) ::madvise(static_cast<std::byte*>(address_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace toptheta
