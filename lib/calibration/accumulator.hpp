// Statistics of calibration rows, gathered by row length. All of them can be merged, and their results do not
// depend on the order or grouping of the rows.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/exact_sum.hpp"
#include "theta/table.hpp"

namespace toptheta {

// Thresholds of the rows of one (target, layer, head, length or length bin). 72 bytes.
// Order does not matter because the sums of thresholds and of their squares are exact (core/exact_sum.hpp),
// and kept masses are rounded to multiples of 2^-50 before they are added.
struct ThresholdStatistics {
  std::int64_t count = 0;
  ExactSum theta;            // sum of the rows' thresholds
  SquareSum theta_squared;   // sum of their squares
  ExactSum kept_mass;        // sum of the softmax mass that each row's k largest values hold
  std::int64_t lengths = 0;  // sum of the rows' lengths

  void add(float row_threshold, double row_kept_mass, std::int32_t row_length);
  void merge(const ThresholdStatistics& other);
  // theta = mean + add_sigma * population standard deviation; length = the rows' mean length, rounded to the
  // nearest whole number (halves down). Requires count > 0.
  [[nodiscard]] ThresholdEntry finish(double add_sigma) const;
};

// Offline SDC terms M of the rows of one (target, layer, head, length or length bin). 24 bytes. Each M is
// rounded to a multiple of 2^-50 before it is added, so that the order of rows does not matter.
struct SdcStatistics {
  std::int64_t count = 0;
  ExactSum dropped;  // sum of the rows' M

  void add(double row_dropped);
  void merge(const SdcStatistics& other);
  [[nodiscard]] double mean() const { return dropped.value() / static_cast<double>(count); }
};

// Calibrated SDC of the rows of one (target, layer, head, length or length bin) that drop anything. 24 bytes.
// Logarithms are rounded like M.
struct RhoStatistics {
  std::int64_t count = 0;
  ExactSum logarithm;  // sum of the rows' ln(mean over dropped s of e^(s-theta))

  void add(double row_logarithm);
  void merge(const RhoStatistics& other);
  [[nodiscard]] double rho() const;
};

// Statistics per row length, or per length bin, where LengthBins::key takes the place of the length. Memory
// for 64 neighbouring lengths is allocated when the first of them is seen, plus 8 bytes for every 64 lengths
// up to the longest.
template <typename Statistics>
class ByLength {
 public:
  // The statistics of rows of this length, which must be at least 0; empty ones if it is new.
  Statistics& at(std::int32_t length) {
    const auto page = static_cast<std::size_t>(length) / kPage;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (pages_[page] == nullptr) pages_[page] = std::make_unique<Page>();
    return (*pages_[page])[static_cast<std::size_t>(length) % kPage];
  }
  void merge(const ByLength& other) {
    other.for_each([this](std::int32_t length, const Statistics& theirs) { at(length).merge(theirs); });
  }
  // Calls visit(length, statistics) for every length that has rows, the shortest first.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (pages_[page] == nullptr) continue;
      for (std::size_t i = 0; i < kPage; ++i)
        if ((*pages_[page])[i].count > 0)
          visit(static_cast<std::int32_t>(page * kPage + i), (*pages_[page])[i]);
    }
  }
  [[nodiscard]] bool empty() const { return pages_.empty(); }

 private:
  static constexpr std::size_t kPage = 64;
  using Page = std::array<Statistics, kPage>;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace toptheta
