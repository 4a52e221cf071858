// The error that a parallel loop ends with.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <utility>

namespace toptheta {

// The exception of the lowest index, so that the error a user sees is the same at any thread count.
class FirstError {
 public:
  void record(std::int64_t index, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (index >= index_.load()) return;
    index_ = index;
    error_ = std::move(error);
  }
  // A piece above a failed one need not run; one below must, for it might fail with a lower index.
  [[nodiscard]] bool makes_pointless(std::int64_t index) const { return index > index_.load(); }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::atomic<std::int64_t> index_{std::numeric_limits<std::int64_t>::max()};
  std::exception_ptr error_;
};

}  // namespace toptheta
