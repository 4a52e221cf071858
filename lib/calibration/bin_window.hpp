// Internal to calibration: a dense window of bins in which the values of some rows are counted before the
// counts go into a curve.
#pragma once
#include <algorithm>
#include <cassert>
#include <cstdint>
#include <vector>

#include "kernels/rows/histogram.hpp"

namespace toptheta {

// Holds the words that count_scores() and count_weights() fill (kernels/rows/histogram.hpp), for a range of
// bins that open() places and that stays until drain(). 128 KiB, of which rows that span w bins touch 32 w
// bytes. Each thread has its own.
class BinWindow {
 public:
  static constexpr std::int32_t kBins = 4096;
  // How many rows, each of mass up to 1.1, and how many elements fit before a word could overflow.
  static constexpr std::int64_t kRows = 200;
  static constexpr std::int64_t kElements = (std::int64_t{1} << (64 - kHistogramCountShift)) - 1;

  // Whether a row (or a piece of one) whose values lie in bins lowest ... highest can be added.
  [[nodiscard]] bool takes(std::int32_t lowest, std::int32_t highest, std::int64_t elements) const {
    return lowest >= first_ && highest < first_ + kBins && rows_ < kRows && elements_ + elements <= kElements;
  }
  // Moves the window, which must be empty, so that bins lowest ... highest lie in its middle. Requires
  // highest < lowest + kBins.
  void open(std::int32_t lowest, std::int32_t highest) {
    assert(elements_ == 0 && highest - lowest < kBins);
    first_ = lowest - (kBins - 1 - (highest - lowest)) / 2;
  }
  // Records that the caller adds a row (or a piece of one) to words().
  void add(std::int32_t lowest, std::int32_t highest, std::int64_t elements) {
    assert(takes(lowest, highest, elements));
    lowest_ = std::min(lowest_, lowest);
    highest_ = std::max(highest_, highest);
    elements_ += elements;
    ++rows_;
  }
  [[nodiscard]] bool empty() const { return elements_ == 0; }
  [[nodiscard]] std::int32_t first() const { return first_; }
  std::uint64_t* words() { return words_.data(); }

  // Calls visit(bin, count, mass) for every bin that is not empty, in ascending order, and empties the
  // window.
  template <class Visit>
  void drain(Visit visit) {
    constexpr std::uint64_t kMass = (std::uint64_t{1} << kHistogramCountShift) - 1;
    for (std::int32_t bin = lowest_; bin <= highest_; ++bin) {
      std::uint64_t* own = words_.data() + static_cast<std::ptrdiff_t>(bin - first_) * kHistogramWays;
      std::uint64_t sum = 0;
      for (std::int32_t way = 0; way < kHistogramWays; ++way) {
        sum += own[way];
        own[way] = 0;
      }
      if (sum != 0)
        visit(bin, static_cast<std::int64_t>(sum >> kHistogramCountShift),
              static_cast<std::int64_t>(sum & kMass));
    }
    lowest_ = INT32_MAX;
    highest_ = INT32_MIN;
    rows_ = 0;
    elements_ = 0;
  }

 private:
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(std::size_t{kBins} * kHistogramWays);
  std::int32_t first_ = 0;
  std::int32_t lowest_ = INT32_MAX;
  std::int32_t highest_ = INT32_MIN;
  std::int64_t rows_ = 0;
  std::int64_t elements_ = 0;
};

}  // namespace toptheta
