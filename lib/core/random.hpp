// Seeded random numbers that are the same on every platform. The engine is the standard library's; the
// distributions are our own, because the standard does not fix the numbers that its distributions give.
#pragma once
#include <cstdint>
#include <random>

namespace toptheta {

class Random {
 public:
  // Different streams of one seed are independent: each piece of work gets its own.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : engine_(engine_of(seed, stream)) {}
  std::uint64_t bits() { return engine_(); }
  // Uniform in [0, 1): a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  // Uniform in 0 ... bound - 1, without bias. Requires bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t reject = (0 - bound) % bound;
    std::uint64_t value = bits();
    while (value < reject)
      value = bits();
    return value % bound;
  }

 private:
  static std::mt19937_64 engine_of(std::uint64_t seed, std::uint64_t stream) {
    std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                           static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
    return std::mt19937_64(sequence);
  }

  std::mt19937_64 engine_;
};

}  // namespace toptheta
