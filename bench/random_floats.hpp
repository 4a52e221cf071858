// Inputs of benchmarks.
#pragma once
#include <cstdint>
#include <vector>

#include "core/random.hpp"

namespace toptheta::bench {

// Uniform in [-1, 1), from a fixed seed.
inline std::vector<float> random_floats(std::int64_t count, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

}  // namespace toptheta::bench
