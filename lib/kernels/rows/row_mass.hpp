// Sums over the values of a row on one side of a threshold, vectorised for the processor at run time: the
// softmax mass that a selection keeps or drops (docs/method.md, "Calibrating" and "Compensating").
//
// Exponentials are floats with a relative error below 2e-7 (5e-6 near e^-80, which does not affect a sum that
// contains 1), and 0 below e^-86.6. A limited number of them is added in float, and these sums in double.
// `shift` must not be below any value that is summed; it is the largest value of the row. Results depend on
// the values, their order and the instruction set.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/rows.hpp"

namespace toptheta {

struct MassAbove {
  double sum = 0;
  std::int64_t count = 0;  // of values above the threshold
};

// Sum of e^(v - shift) over the values v > threshold. Time: one pass with an exponential per value, and one
// pass to count.
MassAbove exp_sum_above(std::span<const float> values, float threshold, float shift);

// Sum of e^(v - shift) over the values v <= threshold, which are all of them where it is +infinity.
double exp_sum_at_most(std::span<const float> values, float threshold, float shift);

// Sum of e^(v - largest) over all values; `range` is their row_range(). `next` is memory that will be read
// soon, of which as many bytes as the values have are brought into the cache during the work.
double exp_sum(std::span<const float> values, const RowRange& range, std::span<const std::byte> next = {});

struct RowExponentials {
  double sum = 0;   // of e^(v - largest); equals exp_sum() to the last bit
  double unit = 1;  // near 1
};

// Writes out[j] such that out[j] * unit = e^(row[j] - largest); `range` is the row_range() of the row.
// out.size() == row.size(), without overlap. Time: one pass.
RowExponentials exponentials(std::span<const float> row, const RowRange& range, std::span<float> out);

// Sum and number of the values v > threshold, where the values are weights.
MassAbove sum_above(std::span<const float> values, float threshold);

}  // namespace toptheta
