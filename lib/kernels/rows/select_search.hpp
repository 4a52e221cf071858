// Internal to kernels/rows/select.cpp: the parts of the search for the value of a rank that use no vectors.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/rows/select.hpp"

namespace toptheta::selection {

// Shorter rows are bisected as a whole: a sample would cost more than it saves.
inline constexpr std::size_t kSampledFrom = 768;
// Below this length the hint from the previous row is not used either.
inline constexpr std::size_t kHintedFrom = 128;

// Maps floats to integers in the same order, without gaps; both zeros are 0.
inline std::int32_t order_of(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits >= 0 ? bits : -(bits & 0x7FFFFFFF);
}
inline float float_at(std::int32_t order) {
  return std::bit_cast<float>(
      order >= 0 ? order : static_cast<std::int32_t>(0x80000000U | static_cast<std::uint32_t>(-order)));
}

// Bounds of the value of some rank: low <= value <= high.
struct Bracket {
  float low;
  float high;
  std::int64_t at_least_low;  // values >= low
  std::int64_t above_high;    // values > high
};

// A value in [low, high) to compare with next. The first choice is where the value would be if values were
// evenly distributed. As that may fail forever, every third step halves the interval. After kHalvings steps
// it halves the number of floats in the interval, so that at most 32 more steps follow.
inline float middle(const Bracket& bracket, std::int64_t rank, int step) {
  constexpr int kHalvings = 24;
  const std::int64_t low = order_of(bracket.low);
  const std::int64_t high = order_of(bracket.high);
  double part = 0.5;
  if (step % 3 != 2)
    part = (static_cast<double>(bracket.at_least_low - rank) - 0.5) /
           static_cast<double>(bracket.at_least_low - bracket.above_high);
  const double mean =
      (1 - part) * static_cast<double>(bracket.low) + part * static_cast<double>(bracket.high);
  if (step >= kHalvings || !std::isfinite(mean))
    return float_at(static_cast<std::int32_t>((low + high) >> 1));
  const std::int64_t order = order_of(static_cast<float>(mean));
  return float_at(static_cast<std::int32_t>(std::clamp(order, low, high - 1)));
}

inline void reserve(std::vector<float>& memory, std::size_t count) {
  if (memory.size() < count) memory.resize(count);
}

// Ranks in a sample between which the rank of the row lies, in all but a few rows of a thousand.
struct SampleRanks {
  std::int64_t low;   // of the lower value: the larger rank
  std::int64_t high;  // of the upper value; negative: none
};
inline SampleRanks sample_ranks(std::int64_t rank, std::size_t row, std::size_t sample) {
  const double expected =
      static_cast<double>(rank + 1) * static_cast<double>(sample) / static_cast<double>(row);
  const double deviation = std::sqrt(expected);
  return {static_cast<std::int64_t>(expected + 3 * deviation) + 2,
          static_cast<std::int64_t>(std::floor(expected - 3 * deviation)) - 1};
}

// For each value of a sample, from where in its section of the row it is taken, in 256ths of the section. The
// places are pseudo-random, so that no pattern in the row can match them.
inline constexpr std::size_t kLargestSample = 512;
constexpr std::array<std::uint8_t, kLargestSample> sample_places() {
  std::array<std::uint8_t, kLargestSample> places{};
  std::uint32_t state = 0x9E3779B9U;
  for (std::uint8_t& place : places) {
    state = state * 1664525U + 1013904223U;
    place = static_cast<std::uint8_t>(state >> 24);
  }
  return places;
}
inline constexpr std::array<std::uint8_t, kLargestSample> kSamplePlaces = sample_places();

// Takes one value from each of `count` equally long sections of the row.
inline void take_sample(std::span<const float> row, std::size_t count, float* sample) {
  const std::size_t stretch = row.size() / count;
  for (std::size_t i = 0; i < count; ++i)
    sample[i] = row[i * stretch + (kSamplePlaces[i] * stretch >> 8)];
}

// How many more values than the rank needs a bracket from one row should hold in the next row.
inline double spare(std::int64_t rank) {
  return 16 + 4 * std::sqrt(static_cast<double>(rank));
}

// Updates the hint after a row in which `count` values were at least `low` and `value` had the rank. hint.low
// is set so that it should leave enough spare values in the next row, if values are as dense there as between
// `low` and `value`.
inline void learn(SelectHint& hint, std::int64_t rank, float value, float low, std::int64_t count) {
  hint.rank = -1;
  const auto between = static_cast<double>(count - 1 - rank);
  const double width = static_cast<double>(value) - static_cast<double>(low);
  if (!(width > 0) || between < 1 || !std::isfinite(width)) return;
  const double wanted = spare(rank) * hint.caution;
  // Values are denser farther below.
  const double reach = between > 4 * wanted ? 2 * wanted : wanted;
  hint.low = static_cast<float>(static_cast<double>(value) - reach * width / between);
  hint.value = value;
  if (std::isfinite(hint.low)) hint.rank = rank;
}

}  // namespace toptheta::selection
