// Angles of the rotary position embedding (arXiv 2104.09864), with the long-context scalings that checkpoints
// ask for.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/config.hpp"

namespace toptheta {

// Radians per position of each of the dims / 2 pairs of a sequence of `length` positions: theta^(-2i / dims),
// then scaled:
// - linear: divided by the factor;
// - dynamic: the base grows once a sequence is longer than the model's context, to
//   theta * (factor * length / context - factor + 1)^(dims / (dims - 2));
// - llama3: wavelengths past original_context / low_freq_factor are divided by the factor, those short of
//   original_context / high_freq_factor stay, and in between the two are blended;
// - yarn (arXiv 2309.00071): pairs that turn more than beta_fast times within the original context stay,
// those
//   that turn less than beta_slow times are divided by the factor, and in between the two are blended;
// - longrope (arXiv 2402.13753): divided by short_factors, or by long_factors where the sequence is longer
// than
//   the original context.
std::vector<double> rope_frequencies(const Rope& rope, std::int64_t length);

// Cosines and sines by position. The angles are computed in double: at position 100,000 a float's product
// would be off by 0.004 radians. Memory: 4 bytes * dims * positions.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(Rope rope) : rope_(std::move(rope)) {}

  // Makes positions 0 ... count - 1 available to a sequence that will have `length` of them. Those that are
  // there stay as they are, unless the scaling depends on the length and this one asks for others.
  void extend(std::int64_t count, std::int64_t length);
  [[nodiscard]] std::int64_t dims() const { return rope_.dims; }
  // [dims / 2], times the scaling's attention_factor; requires position < the extent.
  [[nodiscard]] std::span<const float> cos(std::int64_t position) const { return row(cos_, position); }
  [[nodiscard]] std::span<const float> sin(std::int64_t position) const { return row(sin_, position); }

 private:
  [[nodiscard]] std::span<const float> row(const std::vector<float>& table, std::int64_t position) const {
    const std::size_t half = frequencies_.size();
    return {table.data() + static_cast<std::size_t>(position) * half, half};
  }

  Rope rope_{};
  std::vector<double> frequencies_;  // [dims / 2]
  std::vector<float> cos_;           // [positions, dims / 2]
  std::vector<float> sin_;           // [positions, dims / 2]
};

}  // namespace toptheta
