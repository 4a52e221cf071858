#include "core/parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

namespace toptheta {

namespace {

const int kDefaultThreads = omp_get_max_threads();

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

}  // namespace

void set_thread_count(int threads) {
  omp_set_num_threads(threads > 0 ? threads : kDefaultThreads);
}

int thread_count() {
  return omp_get_max_threads();
}

void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body, int most_threads) {
  const int threads = most_threads > 0 ? std::min(most_threads, thread_count()) : thread_count();
  if (count <= 1 || threads == 1 || omp_in_parallel() != 0) {
    for (std::int64_t i = 0; i < count; ++i)
      body(i);
    return;
  }
  FirstError error;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) default(none) shared(count, body, error)
  for (std::int64_t i = 0; i < count; ++i) {
    if (error.makes_pointless(i)) continue;
    try {
      body(i);
    } catch (...) {
      error.record(i, std::current_exception());
    }
  }
  error.rethrow();
}

}  // namespace toptheta
