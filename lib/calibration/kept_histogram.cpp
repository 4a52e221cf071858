#include "calibration/kept_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace toptheta {

namespace {

constexpr int kExactBits = 8;     // values below 2^8 have a bin each
constexpr int kMantissaBits = 7;  // each octave above that has 2^7 bins
constexpr std::int64_t kExact = std::int64_t{1} << kExactBits;
constexpr std::int64_t kBinsPerOctave = std::int64_t{1} << kMantissaBits;

std::size_t bin_of(std::int64_t value) {
  if (value < kExact) return static_cast<std::size_t>(value);
  const auto octave = static_cast<int>(std::bit_width(static_cast<std::uint32_t>(value))) - 1;
  const std::int64_t within = (value >> (octave - kMantissaBits)) - kBinsPerOctave;
  return static_cast<std::size_t>(kExact + (octave - kExactBits) * kBinsPerOctave + within);
}

// The smallest value of a bin.
std::int64_t value_of(std::size_t bin) {
  const auto at = static_cast<std::int64_t>(bin);
  if (at < kExact) return at;
  const std::int64_t octave = (at - kExact) / kBinsPerOctave + kExactBits;
  return (kBinsPerOctave + (at - kExact) % kBinsPerOctave) << (octave - kMantissaBits);
}

}  // namespace

void KeptHistogram::add(std::int64_t value) {
  assert(value >= 0);
  const std::size_t bin = bin_of(value);
  if (bin >= bins_.size()) bins_.resize(bin + 1);
  ++bins_[bin];
  ++count_;
}

void KeptHistogram::merge(const KeptHistogram& other) {
  if (other.bins_.size() > bins_.size()) bins_.resize(other.bins_.size());
  for (std::size_t bin = 0; bin < other.bins_.size(); ++bin)
    bins_[bin] += other.bins_[bin];
  count_ += other.count_;
}

std::int64_t KeptHistogram::quantile(double fraction) const {
  assert(count_ > 0);
  const auto wanted = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(count_) - 1e-9)));
  std::int64_t below = 0;
  for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
    below += bins_[bin];
    if (below >= wanted) return value_of(bin);
  }
  return value_of(bins_.size() - 1);
}

}  // namespace toptheta
