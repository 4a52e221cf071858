#include "calibration/row_sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"

namespace toptheta {

namespace {

struct Candidate {
  double key;
  std::int64_t row;
  bool operator<(const Candidate& other) const {
    return key != other.key ? key < other.key : row < other.row;
  }
};

// ceil(fraction * rows). The factor keeps a product that should be a whole number from being rounded up:
// 0.07 * 100 is 7.000000000000001.
std::size_t share(double fraction, std::size_t rows) {
  return static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(rows) * (1 - 1e-12)));
}

}  // namespace

RowSampler::RowSampler(double fraction, std::uint64_t seed, std::int64_t smallest_k)
    : fraction_(fraction), seed_(seed), smallest_k_(smallest_k) {
  if (!(fraction > 0 && fraction <= 1))
    throw UsageError({.where = "--row-fraction",
                      .what = "not a fraction",
                      .expected = "a number above 0 and up to 1",
                      .found = fmt::format("{}", fraction)});
}

std::vector<std::int64_t> RowSampler::drawable(std::span<const std::int32_t> lengths) const {
  std::vector<std::int64_t> rows;
  rows.reserve(lengths.size());
  for (std::size_t row = 0; row < lengths.size(); ++row)
    if (lengths[row] > smallest_k_) rows.push_back(static_cast<std::int64_t>(row));
  return rows;
}

std::vector<std::int64_t> RowSampler::draw(std::span<const std::int32_t> lengths) {
  std::vector<std::int64_t> rows = drawable(lengths);
  if (fraction_ == 1) return rows;
  Random random(seed_, samples_++);
  std::vector<Candidate> candidates;
  candidates.reserve(rows.size());
  for (const std::int64_t row : rows) {
    const std::int32_t length = lengths[static_cast<std::size_t>(row)];
    // The row with the smallest -ln(u) / weight goes first, u uniform in (0, 1].
    const auto found = drawn_.find(length);
    const double inverse_weight = 1 + static_cast<double>(found == drawn_.end() ? 0 : found->second);
    candidates.push_back({-std::log(1 - random.uniform()) * inverse_weight, row});
  }
  const std::size_t count = share(fraction_, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(count),
                    candidates.end());

  rows.clear();
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back(candidates[i].row);
    ++drawn_[lengths[static_cast<std::size_t>(candidates[i].row)]];
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace toptheta
