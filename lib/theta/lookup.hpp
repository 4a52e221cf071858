// Thresholds of one target, resolved for every row length: constant-time look-up during inference.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// The largest float that is not above `value`: for every float x, x > value just where x > it.
float rounded_down(double value);

enum class LengthLookup {
  nearest,  // the calibrated length nearest to n; a tie goes to the shorter
  linear,   // linear interpolation between the neighbours; the nearest outside the calibrated range
};
template <>
inline constexpr auto kNames<LengthLookup> = std::to_array<Named<LengthLookup>>(
    {{LengthLookup::nearest, "nearest"}, {LengthLookup::linear, "linear"}});

// A table of length bins is interpolated whatever the method: its entries stand for the lengths around them.
//
// Values for lengths 0 ... max_length of every (layer, query head). Memory: 12 bytes * layers * heads *
// max_length.
class ThresholdLookup {
 public:
  // Throws InputError if a head with k < max_length has no calibrated length.
  ThresholdLookup(const ThresholdTable& table, std::int64_t k, std::int64_t max_length,
                  LengthLookup method = LengthLookup::nearest);

  [[nodiscard]] std::int64_t max_length() const { return max_length_; }
  // Whether every head of every layer that is not dense has an offline SDC term.
  [[nodiscard]] bool has_sdc() const { return has_sdc_; }
  // The same of calibrated SDC's rho.
  [[nodiscard]] bool has_rho() const { return has_rho_; }

  // [max_length + 1], indexed by row length. Rounded towards -infinity from double, so that for every float x
  // `x > theta` decides exactly as it would in double. Lengths up to the head's k hold -infinity (they are
  // dense).
  [[nodiscard]] std::span<const float> theta(std::int64_t layer, std::int64_t head) const;
  // [max_length + 1], looked up among the lengths that have a term; NaN where the head has none. Lengths up
  // to the head's k hold 0: nothing is dropped there.
  [[nodiscard]] std::span<const float> sdc(std::int64_t layer, std::int64_t head) const;
  // The same of rho: M = rho * dropped * e^(theta - m).
  [[nodiscard]] std::span<const float> rho(std::int64_t layer, std::int64_t head) const;

 private:
  [[nodiscard]] std::size_t offset(std::int64_t layer, std::int64_t head) const {
    return static_cast<std::size_t>((layer * num_heads_ + head) * (max_length_ + 1));
  }
  // A head's part of sdc_ or rho_, with 0 up to its k.
  [[nodiscard]] std::span<float> terms_of(std::vector<float>& all, std::int64_t layer, std::int64_t head,
                                          std::int64_t k) const;

  std::int64_t num_heads_ = 0;
  std::int64_t max_length_ = 0;
  bool has_sdc_ = false;
  bool has_rho_ = false;
  std::vector<float> theta_;  // [layers, heads, max_length + 1]
  std::vector<float> sdc_;    // [layers, heads, max_length + 1]
  std::vector<float> rho_;    // [layers, heads, max_length + 1]
};

}  // namespace toptheta
