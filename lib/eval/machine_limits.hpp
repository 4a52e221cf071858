// Measures the most that this machine can do: the denominators of every "fraction of the limit".
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace toptheta {

struct MachineLimits {
  std::string instruction_set;     // the widest that the kernels use here: "AVX2", "AVX3", ...
  std::vector<double> flops;       // [t - 1]: fp32 FLOP/s of t threads, a fused multiply-add counting as two
  std::vector<double> read_bytes;  // [t - 1]: bytes/s that t threads read from memory
  std::string products{};          // the library that multiplies matrices of several rows: product_library()
};

// Takes the best of several short runs for every thread count from 1 to `threads`, or only for the counts in
// `only` (the others get NaN). The reading test streams through 256 MiB, far more than caches hold; the
// arithmetic test stays in registers. Takes about a second per thread count and 256 MiB of memory, and leaves
// the number of threads as it was.
MachineLimits measure_machine_limits(int threads, std::span<const int> only = {});

// Keeps the larger of two measurements of one machine, for each thread count. A disturbance can only lower a
// measurement, so the larger one is nearer to the truth.
void keep_larger(MachineLimits& limits, const MachineLimits& other);

}  // namespace toptheta
