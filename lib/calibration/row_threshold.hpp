// What calibration takes from a single attention row. Everything here is free of state and reads plain spans;
// values must be finite.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/rows/select.hpp"

namespace toptheta {

// Working memory of row_thresholds, kept from row to row.
struct SelectionScratch {
  SelectScratch select;
  std::vector<std::size_t> order;
  std::vector<std::int64_t> ranks;
  std::vector<float> values;
};

// thresholds[i] = the (k[i] + 1)-th largest value of the row: the threshold that keeps exactly k[i] of it
// (fewer where values tie), numpy's sort(row)[::-1][k]. -infinity where k[i] is at least the row's length:
// everything is kept. k in any order, repeats allowed. `range` is row_range(row). Returns, in row order, what
// of the row is above any threshold that is not -infinity, and possibly more of it (select_largest), in the
// scratch's memory. Time: O(n), and O(largest k) for each further k.
std::span<const float> row_thresholds(std::span<const float> row, const RowRange& range,
                                      std::span<const std::int64_t> k, SelectionScratch& scratch,
                                      std::span<float> thresholds);

// The dense attention weights of a row of scores whose largest is `largest`. The row must not be empty.
// `beside` is what the denominator holds beside the scores, in units of e^largest: a sink's term.
void softmax(std::span<const float> scores, float largest, std::span<float> weights, double beside = 0);

// Softmax mass that the k largest of a row of scores hold, and of a row of weights. `candidates` is what
// row_thresholds() returned, `threshold` its value for k. Values that tie with the threshold have one common
// weight; as many of them count as are needed to make k. `total` is exp_sum() of the row
// (kernels/row_mass.hpp).
double kept_mass_of_scores(std::span<const float> candidates, float threshold, std::int64_t k, float largest,
                           double total);
double kept_mass_of_weights(std::span<const float> candidates, float threshold, std::int64_t k);

// M of one row: the sum of e^(s - largest) over the scores that top-theta drops, s <= theta.
double dropped_exponentials(std::span<const float> scores, float largest, double theta);

// ln of the mean of e^(s - theta) over the scores that top-theta drops, s <= theta; nothing where it drops
// none. Time: two passes, one of them with an exponential for every value.
std::optional<double> dropped_logarithm(std::span<const float> scores, double theta);

}  // namespace toptheta
