// The smallest k that is good enough, by bisection.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sweep/choice.hpp"

namespace toptheta {

// The measurement at one k.
struct TunedPoint {
  std::int64_t k = 0;
  Loss loss{};
  double kept_elements = 0;
  double v_rows = 0;
};

struct Tuning {
  std::optional<std::int64_t> k{};        // the smallest whose loss is within; none if there is no such k
  std::optional<std::int64_t> k_least{};  // the smallest for which the better end of the interval is within,
  std::optional<std::int64_t> k_most{};   // and for which the worse end is; none without intervals
  std::vector<TunedPoint> points{};       // all that were measured, k ascending

  [[nodiscard]] const TunedPoint* point_at(std::int64_t k) const;
};

// Bisects k from low to high three times, for the loss and for both ends of its interval; each k is measured
// once. Assumes that losses fall as k grows. If noise makes them rise in between, the k found is one whose
// predecessor is not within the margin. Cost: at most 3 log2(high / low) + 3 measurements.
Tuning tune_k(std::int64_t low, std::int64_t high, double within,
              const std::function<TunedPoint(std::int64_t k)>& measure);

}  // namespace toptheta
