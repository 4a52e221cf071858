// Memory that is read from end to end, such as weights.
#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace toptheta {

// `size` values, all bits zero. The array starts at a cache line. For one of 4 MiB or more the system is
// asked for huge pages, which saves most of the address translation while it is streamed. Throws
// std::bad_alloc.
template <typename T>
class LargeArray {
 public:
  LargeArray() = default;
  explicit LargeArray(std::size_t size) : size_(size) {
    if (size == 0) return;
    const std::size_t alignment = size * sizeof(T) >= 2 * kHugePage ? kHugePage : kLine;
    const std::size_t bytes = (size * sizeof(T) + alignment - 1) / alignment * alignment;
    values_.reset(static_cast<T*>(std::aligned_alloc(alignment, bytes)));
    if (!values_) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    // Only advice: the memory works without it too, only slower.
    if (alignment == kHugePage) (void)::madvise(values_.get(), bytes, MADV_HUGEPAGE);
#endif
    std::memset(values_.get(), 0, bytes);
  }
  [[nodiscard]] std::size_t size() const {
    return size_;
  }
  [[nodiscard]] T* data() {
    return values_.get();
  }
  [[nodiscard]] const T* data() const {
    return values_.get();
  }

 private:
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kHugePage = std::size_t{1} << 21;
  struct Free {
    void operator()(T* values) const { std::free(values); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<T, Free> values_;
};

}  // namespace toptheta
