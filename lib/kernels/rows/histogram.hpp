// Histograms of the values of rows, with the softmax mass in each bin, vectorised for the processor at run
// time: what curves are made of. docs/calibration.md, "Curves".
//
// A bin is kHistogramWays words one after the other, whose sum counts: neighbours in a row often fall into
// one bin, and must not wait for each other. A word holds the number of elements in its upper
// 64 - kHistogramCountShift bits and their mass below: whoever calls sees to it that the sums of both fit.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

inline constexpr std::int32_t kHistogramWays = 4;
inline constexpr int kHistogramCountShift = 44;

// Bins of equal width for scores: floor(score * per_unit), kept within +-limit (below 2^24).
struct ScoreBinning {
  float per_unit;
  float limit;
};

// Bins of equal relative width for weights, which are not negative: the leading bits of the float, down to
// bit `shift`, less `one`, at least `lowest`.
struct WeightBinning {
  int shift;
  std::int32_t one;
  std::int32_t lowest;
};

// For each j: words[(bin of scores[j] - first) * kHistogramWays + j % kHistogramWays] gains one element and
// the mass masses[j] * mass_unit, rounded to nearest. All bins must lie in what `words` covers. Time: one
// pass, about the speed of one addition in the first-level cache per element.
void count_scores(std::span<const float> scores, std::span<const float> masses, double mass_unit,
                  const ScoreBinning& binning, std::int32_t first, std::uint64_t* words);

// The same for weights masses[j] * weight_unit.
void count_weights(std::span<const float> masses, float weight_unit, double mass_unit,
                   const WeightBinning& binning, std::int32_t first, std::uint64_t* words);

}  // namespace toptheta
