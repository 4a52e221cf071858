// The angles of the rotary position embedding (arXiv 2104.09864), with the scalings to longer contexts that
// checkpoints ask for.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "model/config.hpp"

namespace toptheta {

// The frequencies, in radians per position, of the dims / 2 pairs in a sequence of `length` positions. Pair i
// has theta^(-2i / dims), which is then scaled:
//   linear    divided by the factor
//   dynamic   the base theta grows once a sequence is longer than the model's context, to
//             theta * (factor * length / context - factor + 1)^(dims / (dims - 2))
//   llama3    divided by the factor if the wavelength is above original_context / low_freq_factor; unchanged
//             if it is below original_context / high_freq_factor; a blend of both in between
//   yarn      (arXiv 2309.00071) unchanged if the pair makes more than beta_fast turns within the original
//             context; divided by the factor if it makes fewer than beta_slow; a blend of both in between
//   longrope  (arXiv 2402.13753) divided by short_factors, or by long_factors if the sequence is longer than
//             the original context
std::vector<double> rope_frequencies(const Rope& rope, std::int64_t length);

// Cosines and sines by position. Angles are computed in double, because at position 100,000 a product in
// float would be off by 0.004 radians. Memory: 4 bytes * dims * positions.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(Rope rope) : rope_(std::move(rope)) {}

  // Makes positions 0 ... count - 1 available for a sequence that will have `length` positions. Existing
  // entries are computed anew only if the scaling depends on the length and this length changes the
  // frequencies.
  void extend(std::int64_t count, std::int64_t length);
  [[nodiscard]] std::int64_t dims() const { return rope_.dims; }
  // [dims / 2] values, multiplied by the scaling's attention_factor. Require position < count of extend().
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
