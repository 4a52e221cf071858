#include "calibration/rho_law_fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/state_columns.hpp"
#include "core/error.hpp"

namespace toptheta {

namespace {

// The places of the sums.
enum Place : std::size_t { kW, kX, kZ, kY, kXX, kXZ, kZZ, kXY, kZY };

constexpr double kRidge = 1.0 / 16;

double to_multiple_of(double value, double unit) {
  return std::nearbyint(value / unit) * unit;
}

}  // namespace

void RhoLawStatistics::add(const LawRow& row) {
  const double w = to_multiple_of(row.share * (1 - row.share), 0x1p-20);
  if (!(w > 0)) return;
  const double x = std::log(static_cast<double>(row.n));
  const double z = std::log(static_cast<double>(row.n_kept));
  const double y = row.logarithm;
  const std::array<double, kSums> terms = {1, x, z, y, x * x, x * z, z * z, x * y, z * y};
  ++count_;
  for (std::size_t i = 0; i < kSums; ++i)
    sums_[i].add(to_multiple_of(w * terms[i], 0x1p-50));
}

void RhoLawStatistics::merge(const RhoLawStatistics& other) {
  count_ += other.count_;
  for (std::size_t i = 0; i < kSums; ++i)
    sums_[i].merge(other.sums_[i]);
}

RhoLaw RhoLawStatistics::law() const {
  if (count_ == 0) return {};
  // Weighted means, and from here on everything relative to these and to the total weight.
  const double weight = sums_[kW].value();
  const auto mean = [&](Place place) { return sums_[place].value() / weight; };
  const double x = mean(kX);
  const double z = mean(kZ);
  const double y = mean(kY);
  const double ridge = kRidge / static_cast<double>(count_);
  const double xx = std::max(0.0, mean(kXX) - x * x) + ridge;
  const double zz = std::max(0.0, mean(kZZ) - z * z) + ridge;
  const double xz = mean(kXZ) - x * z;
  const double xy = mean(kXY) - x * y;
  const double zy = mean(kZY) - z * y;
  const double determinant = xx * zz - xz * xz;
  RhoLaw law{y, 0, 0};
  if (!(determinant > 0)) return law;  // only by rounding: the ridge makes it positive
  const RhoLaw sloped{0, (xy * zz - zy * xz) / determinant, (zy * xx - xy * xz) / determinant};
  if (!std::isfinite(sloped.of_length) || !std::isfinite(sloped.of_kept)) return law;
  return {y - sloped.of_length * x - sloped.of_kept * z, sloped.of_length, sloped.of_kept};
}

void RhoLawStatistics::save(const std::vector<RhoLawStatistics>& heads, hdf5::Group& group) {
  std::vector<std::int64_t> counts;
  std::vector<double> sums;
  for (const RhoLawStatistics& head : heads) {
    counts.push_back(head.count_);
    for (const ExactSum& sum : head.sums_)
      sums.insert(sums.end(), {sum.high(), sum.low()});
  }
  group.write_vector("count", counts);
  group.write_vector("sums", sums);
}

void RhoLawStatistics::add_saved(const hdf5::Group& group, std::vector<RhoLawStatistics>& heads) {
  const auto size = static_cast<std::int64_t>(heads.size());
  const auto counts = read_state_column<std::int64_t>(group, "count", size);
  const auto sums = read_state_column<double>(group, "sums", size * 2 * static_cast<std::int64_t>(kSums));
  for (std::size_t h = 0; h < heads.size(); ++h) {
    const double* const own = sums.data() + h * 2 * kSums;
    if (counts[h] < 0 || (counts[h] > 0 && !(own[0] > 0)) ||
        !std::all_of(own, own + 2 * kSums, [](double part) { return std::isfinite(part); }))
      throw InputError(
          {.where = fmt::format("{}, head {}", group.where(), h),
           .what = "the sums of a law's fit are out of range",
           .expected = "a count of at least 0, finite sums, and weights above 0 where rows count",
           .found = fmt::format("count {}, weight {}", counts[h], own[0])});
    RhoLawStatistics more;
    more.count_ = counts[h];
    for (std::size_t i = 0; i < kSums; ++i)
      more.sums_[i] = ExactSum::from_parts(own[2 * i], own[2 * i + 1]);
    heads[h].merge(more);
  }
}

}  // namespace toptheta
