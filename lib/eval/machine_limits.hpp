// What this machine can do at most, measured on the spot: the denominators of every "fraction of the limit".
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
  std::string products{};          // whose matrix products of several rows: product_library()
};

// Best of several short runs for 1 ... threads threads, or only for the counts in `only`, NaN standing for
// the others. Reading streams through 256 MiB, far more than caches hold; multiplying never leaves the
// registers. Takes about a second for each thread count; leaves the number of threads as it was. Memory: 256
// MiB.
MachineLimits measure_machine_limits(int threads, std::span<const int> only = {});

// The larger of two measurements of one machine, for the same numbers of threads: what disturbs, lowers.
void keep_larger(MachineLimits& limits, const MachineLimits& other);

}  // namespace toptheta
