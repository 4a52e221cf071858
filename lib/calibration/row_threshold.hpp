// What calibration computes from a single attention row. These functions have no state; values must be
// finite.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/rows/select.hpp"

namespace toptheta {

// Working memory of row_thresholds(), reused from row to row.
struct SelectionScratch {
  SelectScratch select;
  std::vector<std::size_t> order;
  std::vector<std::int64_t> ranks;
  std::vector<float> values;
};

// Sets thresholds[i] to the (k[i] + 1)-th largest value of the row, numpy's sort(row)[::-1][k]. This is the
// threshold that keeps exactly k[i] values, or fewer where values tie. It is -infinity, which keeps
// everything, if k[i] is at least the row's length. k may be in any order and have repeats. `range` is
// row_range(row). Returns the candidates: all values above any threshold that is not -infinity, and possibly
// more (see select_largest()), in row order and in the scratch's memory, or the row itself. Time: O(n), and
// O(largest k) for each further k.
std::span<const float> row_thresholds(std::span<const float> row, const RowRange& range,
                                      std::span<const std::int64_t> k, SelectionScratch& scratch,
                                      std::span<float> thresholds);

// Computes the dense attention weights of a row of scores, whose maximum is `largest`. The row must not be
// empty. `beside` is added to the denominator, in units of e^largest: the term of a sink.
void softmax(std::span<const float> scores, float largest, std::span<float> weights, double beside = 0);

// The softmax mass that the k largest values hold, for a row of scores and for a row of weights. `candidates`
// is what row_thresholds() returned and `threshold` its value for k. Of the values that tie with the
// threshold, as many count as are needed to make k. `total` is exp_sum() of the row
// (kernels/rows/row_mass.hpp), plus the sink's term.
double kept_mass_of_scores(std::span<const float> candidates, float threshold, std::int64_t k, float largest,
                           double total);
double kept_mass_of_weights(std::span<const float> candidates, float threshold, std::int64_t k);

// The offline SDC term M of one row: the sum of e^(s - largest) over the scores s <= theta, which top-theta
// drops.
double dropped_exponentials(std::span<const float> scores, float largest, double theta);

// The scores s <= theta of a row, which top-theta drops.
struct DroppedScores {
  std::int64_t count = 0;
  double logarithm = 0;  // ln of their mean of e^(s - theta); 0 if there are none
};
// Time: three passes, one of them with an exponential for every value.
DroppedScores dropped_scores(std::span<const float> scores, double theta);

}  // namespace toptheta
