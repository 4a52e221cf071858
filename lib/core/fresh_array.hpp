// Memory that the system places near the processor whose thread first writes to it.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace toptheta {

// `size` values, all bits zero, mapped straight from the system and not touched yet. The array begins at a
// page; one of 4 MiB or more begins at a huge page, and the system is asked to use huge pages for it. Throws
// std::bad_alloc.
template <typename T>
class FreshArray {
 public:
  FreshArray() = default;
  explicit FreshArray(std::size_t size) : size_(size) {
    if (size == 0) return;
    const std::size_t spare = size * sizeof(T) >= 2 * kHugePage ? kHugePage : 0;
    const std::size_t bytes = size * sizeof(T) + spare;
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    mapping_ = Mapping(mapped, {bytes});
    const auto address = reinterpret_cast<std::uintptr_t>(mapped);
    const std::size_t skipped = spare == 0 ? 0 : (kHugePage - address % kHugePage) % kHugePage;
    values_ = reinterpret_cast<T*>(static_cast<std::byte*>(mapped) + skipped);
#ifdef MADV_HUGEPAGE
    // Only advice: the memory works without it too, only slower.
    if (spare > 0) (void)::madvise(values_, bytes - skipped, MADV_HUGEPAGE);
#endif
  }
  [[nodiscard]] std::size_t size() const {
    return size_;
  }
  [[nodiscard]] T* data() {
    return values_;
  }
  [[nodiscard]] const T* data() const {
    return values_;
  }

 private:
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;
  struct Unmap {
    std::size_t bytes = 0;
    void operator()(void* mapped) const { ::munmap(mapped, bytes); }
  };
  using Mapping = std::unique_ptr<void, Unmap>;
  std::size_t size_ = 0;
  Mapping mapping_;
  T* values_ = nullptr;
};

}  // namespace toptheta
