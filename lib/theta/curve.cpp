#include "theta/curve.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "theta/length_bins.hpp"

namespace toptheta {

namespace {

// Interpolates between `from` (share 0) and `to` (share 1): the logarithm is linear, or the value itself
// where one of them is 0.
double between(double from, double to, double share) {
  if (from <= 0 || to <= 0) return from + share * (to - from);
  return from * std::pow(to / from, share);
}

// The share at which between() gives `value`.
double share_of(double from, double to, double value) {
  if (to <= from) return 0;
  if (from <= 0) return (value - from) / (to - from);
  return std::log(value / from) / std::log(to / from);
}

}  // namespace

std::int32_t length_bin(std::int32_t length) {
  return length_bin(length, kLengthBinsPerOctave);
}

std::int32_t value_bin(float value, Placement placement) {
  if (placement == Placement::pre_softmax) {
    // This multiplication is exact, because the factor is a power of two.
    const float scaled =
        std::clamp(value * 32.0F, -static_cast<float>(kScoreBinLimit), static_cast<float>(kScoreBinLimit));
    const auto truncated = static_cast<std::int32_t>(scaled);
    return truncated - (static_cast<float>(truncated) > scaled ? 1 : 0);
  }
  const auto bits = std::bit_cast<std::int32_t>(std::max(value, 0.0F));
  return std::max((bits >> kWeightShift) - kWeightOne, kLowestWeightBin - 1);
}

double lower_edge(std::int32_t bin, Placement placement) {
  if (placement == Placement::pre_softmax) return bin * kScoreBin;
  if (bin < kLowestWeightBin) return 0;
  return static_cast<double>(std::bit_cast<float>((bin + kWeightOne) << kWeightShift));
}

std::int32_t ScoreCurves::longest_row() const {
  std::int32_t longest = 0;
  for (const auto& curves : cells)
    if (!curves.empty()) longest = std::max(longest, curves.back().longest);
  return longest;
}

CurveReader::CurveReader(const ScoreCurve& curve, Placement placement)
    : rows_(static_cast<double>(curve.rows)) {
  points_.reserve(curve.bins.size() + 1);
  std::int64_t count = 0;
  std::int64_t mass = 0;
  for (auto bin = curve.bins.rbegin(); bin != curve.bins.rend(); ++bin) {
    const double upper = lower_edge(bin->bin + 1, placement);
    // A point also at the upper edge of a gap, within which nothing lies.
    if (points_.empty() || points_.back().theta > upper)
      points_.push_back(
          {upper, static_cast<double>(count) / rows_, static_cast<double>(mass) * kMassUnit / rows_});
    count += bin->count;
    mass += bin->mass;
    points_.push_back({lower_edge(bin->bin, placement), static_cast<double>(count) / rows_,
                       static_cast<double>(mass) * kMassUnit / rows_});
  }
  elements_ = static_cast<double>(count);
}

double CurveReader::above(double theta, double Point::*what) const {
  const auto next = std::lower_bound(points_.begin(), points_.end(), theta,
                                     [](const Point& point, double t) { return point.theta > t; });
  if (next == points_.begin()) return 0;
  if (next == points_.end()) return points_.back().*what;
  const Point& upper = *std::prev(next);
  return between(upper.*what, (*next).*what, (upper.theta - theta) / (upper.theta - next->theta));
}

double CurveReader::kept(double theta) const {
  return above(theta, &Point::kept);
}

double CurveReader::kept_mass(double theta) const {
  return above(theta, &Point::mass);
}

double CurveReader::theta(double kept) const {
  const auto next = std::lower_bound(points_.begin(), points_.end(), kept,
                                     [](const Point& point, double wanted) { return point.kept < wanted; });
  if (next == points_.begin()) return points_.front().theta;
  if (next == points_.end()) return points_.back().theta;
  const Point& upper = *std::prev(next);
  return upper.theta - share_of(upper.kept, next->kept, kept) * (upper.theta - next->theta);
}

double CurveReader::mass_of_kept(double kept) const {
  return kept_mass(theta(kept));
}

}  // namespace toptheta
