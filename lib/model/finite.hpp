// Detects NaN and infinities where they arise, in passes over the data that are made anyway, and reports
// their place.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "kernels/attention/kv_type.hpp"
#include "model/activations.hpp"
#include "model/config.hpp"

namespace toptheta {

// Remembers the first row of a parallel pass that holds something not finite.
class RowWatch {
 public:
  // Records a row. `sign` is any number that is not finite if the row holds something not finite. May be
  // called from several threads.
  void see(std::int64_t row, float sign) {
    if (std::isfinite(sign)) return;
    std::int64_t first = first_.load(std::memory_order_relaxed);
    while (row < first && !first_.compare_exchange_weak(first, row, std::memory_order_relaxed)) {
    }
  }
  [[nodiscard]] bool found() const { return first_.load() != std::numeric_limits<std::int64_t>::max(); }
  [[nodiscard]] std::int64_t first() const { return first_.load(); }

 private:
  std::atomic<std::int64_t> first_{std::numeric_limits<std::int64_t>::max()};
};

// A part of the model, whose output may be found not to be finite.
struct Place {
  std::int64_t layer = -1;     // -1: the part belongs to no layer
  const char* part = nullptr;  // such as "attention"
};

inline constexpr const char* kFeedForward = "feed-forward part";

// Throws InputError saying that the output of `place` at `position` is not finite.
[[noreturn]] void throw_not_finite(const ModelConfig& config, const Place& place, std::int64_t position);

// Throws InputError for the queries, keys and values of one layer at `position` that attention cannot compute
// with, naming the head: they are NaN, infinite, so large that scores may overflow, or beyond what the
// cache's type can hold.
[[noreturn]] void throw_unusable(const ModelConfig& config, std::int64_t layer, std::int64_t position,
                                 KvType kv, std::span<const float> q, std::span<const float> k,
                                 std::span<const float> v);

// Magnitudes above these are refused. Products of two numbers above the first may overflow. An f16 holds up
// to 65504, and everything below 65520 is rounded to that.
inline constexpr float kLargestScoring = 1e18F;
inline constexpr float kLargestF16 = 65519;

}  // namespace toptheta
