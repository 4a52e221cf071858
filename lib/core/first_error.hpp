// The error that a parallel loop ends with. Safe to use from several threads.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>
#include <utility>

namespace toptheta {

// Keeps the exception of the lowest index, so that the user sees the same error at any number of threads.
class FirstError {
 public:
  void record(std::int64_t index, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (index >= index_.load()) return;
    index_ = index;
    error_ = std::move(error);
  }
  // A piece with a higher index than a failed one need not run. A piece with a lower index must, because it
  // might fail too, and its error would then be the one to report.
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
