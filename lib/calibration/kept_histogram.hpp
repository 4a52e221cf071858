// A histogram of whole numbers, such as elements kept per row, that gives quantiles in bounded memory.
#pragma once
#include <cstdint>
#include <vector>

namespace toptheta {

// Values below 256 are exact; above, there are 128 bins per octave, so that a quantile is at most 0.8% too
// low. Memory: 8 bytes per bin up to the largest value, at most 26 KiB.
class KeptHistogram {
 public:
  void add(std::int64_t value);  // at least 0, below 2^31
  void merge(const KeptHistogram& other);
  [[nodiscard]] std::int64_t count() const { return count_; }
  // The smallest value that at least this fraction of all values do not exceed (numpy's "inverted_cdf").
  // Requires count() > 0 and 0 < fraction <= 1.
  [[nodiscard]] std::int64_t quantile(double fraction) const;

 private:
  std::int64_t count_ = 0;
  std::vector<std::int64_t> bins_;
};

}  // namespace toptheta
