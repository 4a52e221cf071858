// Angles of the rotary position embedding (arXiv 2104.09864), with the long-context scalings that checkpoints
// ask for.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/config.hpp"

namespace toptheta {

// Radians per position of each of the head_dim / 2 pairs: rope_theta^(-2i / head_dim), then scaled:
// - linear: divided by the factor;
// - llama3: wavelengths past original_context / low_freq_factor are divided by the factor, those short of
//   original_context / high_freq_factor stay, and in between the two are blended.
std::vector<double> rope_frequencies(const ModelConfig& config);

// Cosines and sines by position. The angles are computed in double: at position 100,000 a float's product
// would be off by 0.004 radians. Memory: 4 bytes * head_dim * positions.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(std::vector<double> frequencies) : frequencies_(std::move(frequencies)) {}

  // Makes positions 0 ... count - 1 available; those there are stay as they are.
  void extend(std::int64_t count);
  // [head_dim / 2]; requires position < the extent.
  [[nodiscard]] std::span<const float> cos(std::int64_t position) const { return row(cos_, position); }
  [[nodiscard]] std::span<const float> sin(std::int64_t position) const { return row(sin_, position); }

 private:
  [[nodiscard]] std::span<const float> row(const std::vector<float>& table, std::int64_t position) const {
    const std::size_t half = frequencies_.size();
    return {table.data() + static_cast<std::size_t>(position) * half, half};
  }

  std::vector<double> frequencies_;  // [head_dim / 2]
  std::vector<float> cos_;           // [positions, head_dim / 2]
  std::vector<float> sin_;           // [positions, head_dim / 2]
};

}  // namespace toptheta
