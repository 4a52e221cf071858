// Working memory that threads borrow and return, so that it is allocated only once.
#pragma once
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace toptheta {

// Holds as many objects as were ever in use at the same time. Safe to use from several threads.
template <class T>
class Pool {
 public:
  // Calls use(T&) with the object that was returned last, or with a new one. An object whose use throws is
  // dropped.
  template <class Use>
  void lend(const Use& use) {
    std::unique_ptr<T> item = take();
    use(*item);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(item));
  }

 private:
  std::unique_ptr<T> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<T>();
    std::unique_ptr<T> item = std::move(idle_.back());
    idle_.pop_back();
    return item;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace toptheta
