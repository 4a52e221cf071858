// Exact order statistics of a row of floats, vectorised for the processor at run time. A threshold is
// calibrated from them, and top-k selection needs them (docs/method.md, "Calibrating").
//
// One pass over the row finds its range. The previous row or a small sample gives a bracket around the value
// that is sought. One pass then collects the values above the lower end of the bracket, and bisection by
// counting finds the value among these. The result is exact and depends on the row alone; the bracket only
// decides how long it takes. The values may have any order and distribution; ties, infinities and rows of
// equal values are allowed.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/rows.hpp"

namespace toptheta {

// The range of a row's values. Time: one pass, at the speed of memory.
RowRange row_range(std::span<const float> row);

// What is known from the previous row: the value of a rank, and a bound that finds it in a similar row.
// Consecutive rows of a head usually are similar; where they are not, the hint is used less often.
struct SelectHint {
  std::int64_t rank = -1;  // -1: nothing is known
  float low = 0;           // slightly more values than the rank needs are at least this
  float value = 0;
  double caution = 1;  // factor on the usual number of spare values; grows when they did not suffice
  int failures = 0;    // consecutive ones
  int pause = 0;       // rows until the hint is used again
};

// Working memory of the selections, kept from row to row; each thread has its own. Grows to about 2 n + 1024
// floats for rows of n values.
struct SelectScratch {
  std::vector<float> candidates;
  std::vector<float> band;
  std::vector<float> sample;
  SelectHint hint{};
};

// values[i] becomes the (ranks[i] + 1)-th largest value of the row: the one at ranks[i] after sorting in
// descending order. A zero is returned as +0. `range` must be row_range(row); `ranks` must be descending and
// below row.size(); the row must not hold NaN. Returns, in row order, the row's values that are at least
// values.front(), padded with -infinity to whole vectors: a sum over the largest values of the row only needs
// to look at these. The span points into `scratch` and is valid until the next call. Time: O(n) for any row,
// typically one pass.
std::span<const float> select_largest(std::span<const float> row, const RowRange& range,
                                      std::span<const std::int64_t> ranks, SelectScratch& scratch,
                                      std::span<float> values);

// The (k + 1)-th largest value, 0 <= k < row.size(). Keeping what is above it keeps k values of the row,
// fewer where values tie. NaN for a row that holds a NaN.
float kth_largest(std::span<const float> row, std::int64_t k, SelectScratch& scratch);

}  // namespace toptheta
