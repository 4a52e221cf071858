// Internal to calibration: the histogram of one layer, head and length bin while it is being filled.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "theta/curve.hpp"

namespace toptheta {

struct Tally {
  std::int64_t count = 0;
  std::int64_t mass = 0;
};

// Bins are stored in pages of 64 that are allocated when the first of them is hit; the list of pages spans
// the bins seen so far.
class CurveHistogram {
 public:
  // Counts rows, whose elements the caller adds with at(). Throws UnfinishedError past kMaxCurveRows.
  void add_rows(std::int64_t rows, std::int32_t shortest, std::int32_t longest);
  void add(const ScoreCurve& curve);
  Tally& at(std::int32_t bin) {
    const std::int32_t page = (bin >> kPageBits) - kFirstPage;
    if (page < first_ || page >= first_ + static_cast<std::int32_t>(pages_.size()) ||
        pages_[static_cast<std::size_t>(page - first_)] == nullptr)
      open(page);
    return (*pages_[static_cast<std::size_t>(page - first_)])[static_cast<std::size_t>(bin & (kPage - 1))];
  }
  [[nodiscard]] ScoreCurve curve(std::int32_t length_bin) const;

 private:
  static constexpr std::int32_t kPageBits = 6;
  static constexpr std::int32_t kPage = 1 << kPageBits;
  static constexpr std::int32_t kFirstPage = -kScoreBinLimit / kPage;
  using Page = std::array<Tally, kPage>;

  void open(std::int32_t page);

  std::int64_t rows_ = 0;
  std::int32_t shortest_ = 0;
  std::int32_t longest_ = 0;
  std::int32_t first_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace toptheta
