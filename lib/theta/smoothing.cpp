#include "theta/smoothing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "theta/columns.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kMostEntries = std::int64_t{1} << 25;  // in all heads and targets together: 2 GB

using RealColumn = double ThresholdEntry::*;

double mix(double a, double b, double weight) {
  return (1 - weight) * a + weight * b;
}

// An entry between two calibrated ones. Where either is NaN ("not calibrated"), so is the result.
ThresholdEntry interpolate(const ThresholdEntry& below, const ThresholdEntry& above, std::int32_t length) {
  const double weight =
      static_cast<double>(length - below.length) / static_cast<double>(above.length - below.length);
  ThresholdEntry entry;
  entry.length = length;
  for (const ThresholdColumn& column : kThresholdColumns)
    if (const auto* real = std::get_if<RealColumn>(&column.member))
      entry.*(*real) = mix(below.*(*real), above.*(*real), weight);
  return entry;
}

std::vector<ThresholdEntry> fill_lengths(const std::vector<ThresholdEntry>& entries) {
  std::vector<ThresholdEntry> filled;
  filled.reserve(static_cast<std::size_t>(entries.back().length - entries.front().length) + 1);
  filled.push_back(entries.front());
  for (std::size_t i = 1; i < entries.size(); ++i) {
    for (std::int32_t length = entries[i - 1].length + 1; length < entries[i].length; ++length)
      filled.push_back(interpolate(entries[i - 1], entries[i], length));
    filled.push_back(entries[i]);
  }
  return filled;
}

// Values that only some of the calibrated lengths have (SDC terms come from a second pass over other rows)
// are interpolated among themselves.
void fill_column(std::vector<ThresholdEntry>& filled, const std::vector<ThresholdEntry>& entries,
                 RealColumn column) {
  std::vector<ThresholdEntry> with_value;
  std::copy_if(entries.begin(), entries.end(), std::back_inserter(with_value),
               [column](const ThresholdEntry& entry) { return !std::isnan(entry.*column); });
  if (with_value.empty() || with_value.size() == entries.size()) return;
  const auto begin = static_cast<std::size_t>(with_value.front().length - filled.front().length);
  const std::vector<ThresholdEntry> values = fill_lengths(with_value);
  for (std::size_t i = 0; i < values.size(); ++i)
    filled[begin + i].*column = values[i].*column;
}

// Averages one column along the length with Gaussian weights. Entries that are NaN have no weight and stay
// NaN.
void average(std::vector<ThresholdEntry>& entries, RealColumn column, double sigma) {
  const auto count = static_cast<std::int64_t>(entries.size());
  const auto radius = static_cast<std::int64_t>(std::ceil(std::min(4 * sigma, static_cast<double>(count))));
  std::vector<double> weights(static_cast<std::size_t>(radius + 1));
  for (std::int64_t d = 0; d <= radius; ++d) {
    const double z = static_cast<double>(d) / sigma;
    weights[static_cast<std::size_t>(d)] = std::exp(-0.5 * z * z);
  }
  std::vector<double> values;
  values.reserve(entries.size());
  for (const ThresholdEntry& entry : entries)
    values.push_back(entry.*column);
  for (std::int64_t i = 0; i < count; ++i) {
    const double center = values[static_cast<std::size_t>(i)];
    if (std::isnan(center)) continue;
    double sum = 0;
    double total = 0;
    for (std::int64_t j = std::max<std::int64_t>(0, i - radius); j <= std::min(count - 1, i + radius); ++j) {
      const double value = values[static_cast<std::size_t>(j)];
      if (std::isnan(value)) continue;
      const double weight = weights[static_cast<std::size_t>(std::abs(j - i))];
      sum += weight * (value - center);  // differences, so that a constant stays the same to the last bit
      total += weight;
    }
    entries[static_cast<std::size_t>(i)].*column = center + sum / total;
  }
}

void require_fillable(const ThresholdTable& table) {
  std::int64_t entries = 0;
  for (const Target& target : table.targets)
    for (const std::vector<ThresholdEntry>& cell : target.cells)
      if (!cell.empty()) entries += cell.back().length - cell.front().length + std::int64_t{1};
  if (entries > kMostEntries)
    throw InputError({.where = "threshold table",
                      .what = "the row lengths are too far apart to fill in all lengths between them",
                      .expected = fmt::format("at most {} entries afterwards", kMostEntries),
                      .found = fmt::format("{} between the shortest and the longest of each head", entries),
                      .next = "smooth one target at a time, or calibrate with length bins"});
}

}  // namespace

ThresholdTable smooth_lengths(const ThresholdTable& table, double sigma) {
  if (!std::isfinite(sigma) || sigma < 0)
    throw UsageError({.where = "length smoothing",
                      .what = "not a valid width",
                      .expected = "a number of positions of at least 0",
                      .found = fmt::format("{}", sigma)});
  require_fillable(table);
  ThresholdTable result = table;
  result.meta.estimator += fmt::format(", smoothed over lengths (sigma {})", sigma);
  result.meta.length_bins = 0;  // every length now has its own entry; between bins it is what look-up gave
  for (Target& target : result.targets) {
    if (sigma > 0) target.rho_laws.clear();
    parallel_for(static_cast<std::int64_t>(target.cells.size()), [&target, sigma](std::int64_t index) {
      std::vector<ThresholdEntry>& cell = target.cells[static_cast<std::size_t>(index)];
      if (cell.empty()) return;
      std::vector<ThresholdEntry> filled = fill_lengths(cell);
      for (const ThresholdColumn& column : kThresholdColumns) {
        if (!column.averaged) continue;
        const RealColumn member = std::get<RealColumn>(column.member);
        fill_column(filled, cell, member);
        if (sigma > 0) average(filled, member, sigma);
      }
      cell = std::move(filled);
    });
  }
  return result;
}

}  // namespace toptheta
