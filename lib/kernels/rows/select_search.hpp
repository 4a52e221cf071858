// Inside kernels/select.cpp: how the search for a value of some rank goes on, without the vectors.
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

// Shorter rows are bisected as they are; a sample would cost more than it spares.
inline constexpr std::size_t kSampledFrom = 768;
// And below this length the row before is not asked either.
inline constexpr std::size_t kHintedFrom = 128;

// Floats as integers of the same order, without a gap; both zeros are 0.
inline std::int32_t order_of(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits >= 0 ? bits : -(bits & 0x7FFFFFFF);
}
inline float float_at(std::int32_t order) {
  return std::bit_cast<float>(
      order >= 0 ? order : static_cast<std::int32_t>(0x80000000U | static_cast<std::uint32_t>(-order)));
}

// What is known about a value of some rank: low <= value <= high.
struct Bracket {
  float low;
  float high;
  std::int64_t at_least_low;  // values >= low
  std::int64_t above_high;    // values > high
};

// A value in [low, high) to compare with next. Where the value of this rank stands if the values lie evenly
// is the best guess, and where that fails, as it may for good, halving the interval; after some steps halving
// the number of floats in it bounds the steps to come by 32.
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

// Ranks in a sample between which a rank of the row lies in all but some rows of a thousand.
struct SampleRanks {
  std::int64_t low;   // of the lower value, the larger rank
  std::int64_t high;  // of the upper value; below 0: none
};
inline SampleRanks sample_ranks(std::int64_t rank, std::size_t row, std::size_t sample) {
  const double expected =
      static_cast<double>(rank + 1) * static_cast<double>(sample) / static_cast<double>(row);
  const double deviation = std::sqrt(expected);
  return {static_cast<std::int64_t>(expected + 3 * deviation) + 2,
          static_cast<std::int64_t>(std::floor(expected - 3 * deviation)) - 1};
}

// Where in its stretch of the row, in 256ths, each value of a sample is taken: places that jump about so that
// no pattern of the row's can follow them.
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

// One value from each of `count` equally long stretches of the row.
inline void take_sample(std::span<const float> row, std::size_t count, float* sample) {
  const std::size_t stretch = row.size() / count;
  for (std::size_t i = 0; i < count; ++i)
    sample[i] = row[i * stretch + (kSamplePlaces[i] * stretch >> 8)];
}

// How many values more than the rank asks for a bracket taken from one row should hold in the next.
inline double spare(std::int64_t rank) {
  return 16 + 4 * std::sqrt(static_cast<double>(rank));
}

// After a row: `count` of its values were at least `low`, and `value` had the rank. Where the next row's
// bracket should end if values lie there as they do between these two.
inline void learn(SelectHint& hint, std::int64_t rank, float value, float low, std::int64_t count) {
  hint.rank = -1;
  const auto between = static_cast<double>(count - 1 - rank);
  const double width = static_cast<double>(value) - static_cast<double>(low);
  if (!(width > 0) || between < 1 || !std::isfinite(width)) return;
  const double wanted = spare(rank) * hint.caution;
  // Far below, values lie closer together.
  const double reach = between > 4 * wanted ? 2 * wanted : wanted;
  hint.low = static_cast<float>(static_cast<double>(value) - reach * width / between);
  hint.value = value;
  if (std::isfinite(hint.low)) hint.rank = rank;
}

}  // namespace toptheta::selection
