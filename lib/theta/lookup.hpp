// The thresholds of one target resolved for every row length, so that inference looks them up in constant
// time.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "theta/table.hpp"

namespace toptheta {

// The largest float that is not above `value`. For every float x, x > value exactly if x >
// rounded_down(value).
float rounded_down(double value);

enum class LengthLookup {
  nearest,  // the calibrated length nearest to n; a tie goes to the shorter
  linear,   // linear interpolation between neighbours; outside the calibrated range, the nearest length
};
template <>
inline constexpr auto kNames<LengthLookup> = std::to_array<Named<LengthLookup>>(
    {{LengthLookup::nearest, "nearest"}, {LengthLookup::linear, "linear"}});

// The thresholds and SDC terms of every (layer, query head) for row lengths 0 ... max_length. A table with
// length bins is always interpolated linearly, because the entry of a bin stands for the lengths around it.
//
// Memory: 12 bytes * layers * heads * max_length.
class ThresholdLookup {
 public:
  // Resolves the target for k. Throws InputError if a head with k < max_length has no entries, and UsageError
  // as ThresholdTable::target(). Time: layers * heads * max_length.
  ThresholdLookup(const ThresholdTable& table, std::int64_t k, std::int64_t max_length,
                  LengthLookup method = LengthLookup::nearest);

  [[nodiscard]] std::int64_t max_length() const { return max_length_; }
  // Whether every head that is not dense has offline SDC terms.
  [[nodiscard]] bool has_sdc() const { return has_sdc_; }
  // The same for the rho of calibrated SDC, or a law for it.
  [[nodiscard]] bool has_rho() const { return has_rho_; }

  // [max_length + 1], indexed by row length. Rounded from double towards -infinity, so that for every float x
  // `x > theta` decides exactly as it would in double. Lengths up to the head's k, which are dense, hold
  // -infinity.
  [[nodiscard]] std::span<const float> theta(std::int64_t layer, std::int64_t head) const;
  // [max_length + 1], looked up among the entries that have a term; NaN where the head has none. Lengths up
  // to the head's k hold 0, because nothing is dropped there.
  [[nodiscard]] std::span<const float> sdc(std::int64_t layer, std::int64_t head) const;
  // The same for rho, where M = rho * (number dropped) * e^(theta - m).
  [[nodiscard]] std::span<const float> rho(std::int64_t layer, std::int64_t head) const;
  // The law that takes the place of rho, where the table holds one.
  [[nodiscard]] RhoLaw rho_law(std::int64_t layer, std::int64_t head) const {
    return rho_laws_.empty() ? RhoLaw{} : rho_laws_[static_cast<std::size_t>(layer * num_heads_ + head)];
  }
  [[nodiscard]] bool has_rho_laws() const { return !rho_laws_.empty(); }

 private:
  [[nodiscard]] std::size_t offset(std::int64_t layer, std::int64_t head) const {
    return static_cast<std::size_t>((layer * num_heads_ + head) * (max_length_ + 1));
  }
  // The part of sdc_ or rho_ that belongs to a head, set to 0 for lengths up to its k.
  [[nodiscard]] std::span<float> terms_of(std::vector<float>& all, std::int64_t layer, std::int64_t head,
                                          std::int64_t k) const;

  std::int64_t num_heads_ = 0;
  std::int64_t max_length_ = 0;
  bool has_sdc_ = false;
  bool has_rho_ = false;
  std::vector<float> theta_;      // [layers, heads, max_length + 1]
  std::vector<float> sdc_;        // [layers, heads, max_length + 1]
  std::vector<float> rho_;        // [layers, heads, max_length + 1]
  std::vector<RhoLaw> rho_laws_;  // [layers, heads]; empty where no head has one
};

}  // namespace toptheta
