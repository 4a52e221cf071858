// Exact order statistics of a row of floats, vectorised for the processor at run time: what a threshold is
// calibrated from, and what a top-k selection needs before it can compare. docs/method.md, "Calibrating".
//
// A row is scanned once for its range, the row before it or a small sample brackets the value looked for, one
// pass compacts what lies above the bracket's lower end, and bisection by counting finds the value among
// these. Results are exact and depend on the row alone: the bracket decides only how long it takes. Nothing
// is assumed about the order or the distribution of the values, and ties, infinities and rows of equal values
// are fine.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/rows.hpp"

namespace toptheta {

// Time: one pass, at the speed of memory.
RowRange row_range(std::span<const float> row);

// Where a row's value of some rank stood, and what suffices to find it in a similar row. Consecutive rows of
// a head usually are; where they are not, it is asked less often.
struct SelectHint {
  std::int64_t rank = -1;  // -1: nothing known
  float low = 0;           // a little more values than the rank asks for are at least this
  float value = 0;
  double caution = 1;  // how many times the usual spare values; grows when they did not suffice
  int failures = 0;    // in a row
  int pause = 0;       // rows until it is asked again
};

// Working memory of the selections, kept from row to row; one for each thread. Grows to 2 n + 1 k floats.
struct SelectScratch {
  std::vector<float> candidates;
  std::vector<float> band;
  std::vector<float> sample;
  SelectHint hint{};
};

// values[i] = the (ranks[i] + 1)-th largest value of the row, as std::sort by > would put it at ranks[i];
// a zero is returned as +0. `range` is row_range(row), `ranks` must be descending, all of them below
// row.size(); the row must hold no NaN. Returns, in row order, the row's values that are at least
// values.front(), and -infinities that fill up the last vectors: whatever sums up the largest of the row need
// only look at these. The span lives in `scratch` and ends with the next call. Time: O(n) whatever the row
// holds, typically one pass over the row.
std::span<const float> select_largest(std::span<const float> row, const RowRange& range,
                                      std::span<const std::int64_t> ranks, SelectScratch& scratch,
                                      std::span<float> values);

// The (k + 1)-th largest value, 0 <= k < row.size(): comparing with it keeps k of the row, fewer where values
// tie. NaN for a row with a NaN.
float kth_largest(std::span<const float> row, std::int64_t k, SelectScratch& scratch);

}  // namespace toptheta
