// Numbers that are none: found where they arise, in passes that are made anyway, and told with their place.
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

// The first row of a parallel pass in which something is wrong.
class RowWatch {
 public:
  // `sign` is not finite where the row is not.
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

// A part of the model, by what it leaves behind.
struct Place {
  std::int64_t layer = -1;     // of which; -1: of none
  const char* part = nullptr;  // "attention"
};

inline constexpr const char* kFeedForward = "feed-forward part";

// Throws InputError: what `place` left at `position` is not finite.
[[noreturn]] void throw_not_finite(const ModelConfig& config, const Place& place, std::int64_t position);

// Queries, keys and values of one layer that attention could not compute with: NaN, infinite, so large that
// scores may overflow, or keys and values beyond what the cache's type holds. `row` is the first such row, at
// `position`. Throws InputError naming the head.
[[noreturn]] void throw_unusable(const ModelConfig& config, std::int64_t layer, std::int64_t position,
                                 KvType kv, std::span<const float> q, std::span<const float> k,
                                 std::span<const float> v);

// Magnitudes above these are refused: products of two of the first may overflow; f16 holds up to 65504, to
// which everything below 65520 is rounded.
inline constexpr float kLargestScoring = 1e18F;
inline constexpr float kLargestF16 = 65519;

}  // namespace toptheta
