// Histograms of the values of rows, with the softmax mass in each bin, vectorised for the processor at run
// time. Curves are built from them (docs/calibration.md, "Curves").
//
// A bin is kHistogramWays consecutive words, and its content is their sum: neighbouring values of a row often
// fall into the same bin, and adding them to different words avoids waiting. A word holds the number of
// elements in its upper 64 - kHistogramCountShift bits and their mass in the lower bits. The caller must make
// sure that neither overflows.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

inline constexpr std::int32_t kHistogramWays = 4;
inline constexpr int kHistogramCountShift = 44;

// Bins of equal width for scores: floor(score * per_unit), limited to +-limit (below 2^24).
struct ScoreBinning {
  float per_unit;
  float limit;
};

// Bins of equal relative width for weights, which are not negative: the leading bits of the float down to bit
// `shift`, minus `one`, but at least `lowest`.
struct WeightBinning {
  int shift;
  std::int32_t one;
  std::int32_t lowest;
};

// For each j, adds to words[(bin of scores[j] - first) * kHistogramWays + j % kHistogramWays] one element and
// the mass masses[j] * mass_unit, rounded to nearest. `words` must cover all bins. Time: one pass; per
// element about one addition in the first-level cache.
void count_scores(std::span<const float> scores, std::span<const float> masses, double mass_unit,
                  const ScoreBinning& binning, std::int32_t first, std::uint64_t* words);

// The same for the weights masses[j] * weight_unit.
void count_weights(std::span<const float> masses, float weight_unit, double mass_unit,
                   const WeightBinning& binning, std::int32_t first, std::uint64_t* words);

}  // namespace toptheta
