#include "theta/between_entries.hpp"

#include <algorithm>

namespace toptheta {

namespace {

auto not_shorter(const std::vector<ThresholdEntry>& entries, std::int64_t length) {
  return std::lower_bound(
      entries.begin(), entries.end(), length,
      [](const ThresholdEntry& entry, std::int64_t wanted) { return entry.length < wanted; });
}

}  // namespace

double interpolated_theta(const std::vector<ThresholdEntry>& entries, std::int64_t length) {
  const auto above = not_shorter(entries, length);
  if (above == entries.end()) return entries.back().theta;
  if (above == entries.begin() || above->length == length) return above->theta;
  const ThresholdEntry& below = *std::prev(above);
  const auto from_below = static_cast<double>(length - below.length);
  const auto to_above = static_cast<double>(above->length - length);
  const double weight = from_below / (from_below + to_above);  // bit for bit as ThresholdLookup computes it
  return (1 - weight) * below.theta + weight * above->theta;
}

const ThresholdEntry& nearest_entry(const std::vector<ThresholdEntry>& entries, std::int64_t length) {
  const auto above = not_shorter(entries, length);
  if (above == entries.end()) return entries.back();
  if (above == entries.begin()) return *above;
  const ThresholdEntry& below = *std::prev(above);
  return above->length - length < length - below.length ? *above : below;
}

}  // namespace toptheta
