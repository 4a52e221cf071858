// Draws the rows to calibrate on if only a fraction is wanted, in favour of the lengths drawn least so far.
#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace toptheta {

// Draws rows without replacement, each with weight 1 / (1 + rows of its length drawn so far) (Efraimidis and
// Spirakis, "Weighted random sampling with a reservoir", 2006). What is drawn depends on the seed and on the
// row lengths of the samples in their order, and on nothing else: every layer and head of a sample uses the
// same rows, and a process that reads only some of the samples draws for all of them and ignores the rest.
class RowSampler {
 public:
  // Rows with n <= smallest_k are dense under every target and never drawn. Throws UsageError unless
  // 0 < fraction <= 1.
  RowSampler(double fraction, std::uint64_t seed, std::int64_t smallest_k);

  // Draws from the next sample, whose rows have these lengths. Returns indices into `lengths`, ascending:
  // ceil(fraction * number of rows with n > smallest_k) of them. Time: O(rows log rows).
  std::vector<std::int64_t> draw(std::span<const std::int32_t> lengths);

 private:
  [[nodiscard]] std::vector<std::int64_t> drawable(std::span<const std::int32_t> lengths) const;

  double fraction_;
  std::uint64_t seed_;
  std::int64_t smallest_k_;
  std::uint64_t samples_ = 0;
  std::unordered_map<std::int32_t, std::int64_t> drawn_;  // rows drawn so far, by length
};

}  // namespace toptheta
