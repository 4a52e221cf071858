#include "calibration/curve_histogram.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"

namespace toptheta {

void CurveHistogram::add_rows(std::int64_t rows, std::int32_t shortest, std::int32_t longest) {
  shortest_ = rows_ == 0 ? shortest : std::min(shortest_, shortest);
  longest_ = std::max(longest_, longest);
  rows_ += rows;
  if (rows_ > kMaxCurveRows)
    throw UnfinishedError({.where = "curves",
                           .what = "too many rows of one length bin",
                           .expected = fmt::format("at most {}", kMaxCurveRows),
                           .next = "calibrate on fewer rows with --row-fraction"});
}

void CurveHistogram::add(const ScoreCurve& curve) {
  add_rows(curve.rows, curve.shortest, curve.longest);
  for (const CurveBin& bin : curve.bins) {
    Tally& tally = at(bin.bin);
    tally.count += bin.count;
    tally.mass += bin.mass;
  }
}

ScoreCurve CurveHistogram::curve(std::int32_t length_bin) const {
  ScoreCurve result{length_bin, rows_, shortest_, longest_, {}};
  for (std::size_t page = 0; page < pages_.size(); ++page) {
    if (pages_[page] == nullptr) continue;
    for (std::int32_t i = 0; i < kPage; ++i) {
      const Tally& tally = (*pages_[page])[static_cast<std::size_t>(i)];
      if (tally.count == 0) continue;
      const std::int32_t bin = (first_ + static_cast<std::int32_t>(page) + kFirstPage) * kPage + i;
      result.bins.push_back({bin, tally.count, tally.mass});
    }
  }
  return result;
}

void CurveHistogram::open(std::int32_t page) {
  if (pages_.empty()) first_ = page;
  if (page < first_) {
    std::vector<std::unique_ptr<Page>> wider(static_cast<std::size_t>(first_ - page) + pages_.size());
    std::move(pages_.begin(), pages_.end(), wider.begin() + (first_ - page));
    pages_ = std::move(wider);
    first_ = page;
  }
  const auto at = static_cast<std::size_t>(page - first_);
  if (at >= pages_.size()) pages_.resize(at + 1);
  pages_[at] = std::make_unique<Page>();
}

}  // namespace toptheta
