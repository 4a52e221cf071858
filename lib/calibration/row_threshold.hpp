// What calibration takes from a single attention row. Everything here is free of state and reads plain spans;
// values must be finite.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace toptheta {

// Working memory of row_thresholds, kept from row to row.
struct SelectionScratch {
  std::vector<float> values;
  std::vector<std::size_t> order;
};

// thresholds[i] = the (k[i] + 1)-th largest value of the row: the threshold that keeps exactly k[i] of it
// (fewer where values tie), numpy's sort(row)[::-1][k]. -infinity where k[i] is at least the row's length:
// everything is kept. k in any order, repeats allowed. Time: O(n) and then O(k) for each smaller k.
void row_thresholds(std::span<const float> row, std::span<const std::int64_t> k, SelectionScratch& scratch,
                    std::span<float> thresholds);

// weights[j] = e^(row[j] - max(row)); returns their sum (of double precision; weights and differences are
// floats, as in attention). The row must not be empty.
double exponentials(std::span<const float> row, std::span<float> weights);

// The dense attention weights of a row of scores.
void softmax(std::span<const float> scores, std::span<float> weights);

// The sum of the weights of the k largest of a row, given its (k+1)-th largest value. Values that tie with
// the threshold have one common weight; as many of them count as are needed to make k. Summed in row order.
double kept_weight(std::span<const float> row, std::span<const float> weights, float threshold,
                   std::int64_t k);

// M of one row: the sum of e^(s - max(row)) over the scores that top-theta drops, s <= theta.
double dropped_exponentials(std::span<const float> scores, double theta);

// The index of the first value that is NaN or infinite; the row's length where all are finite.
std::size_t first_not_finite(std::span<const float> row);

}  // namespace toptheta
