// Sums over the part of a row on one side of a threshold, vectorised for the processor at run time: softmax
// mass that a selection keeps or drops. docs/method.md, "Calibrating" and "Compensating".
//
// Exponentials are floats with a relative error below 2e-7 (5e-6 for those of e^-80, which no sum with 1 in
// it sees), 0 below e^-86.6. A bounded number of them is added in float, these sums in double. `shift`
// must not be below any value that is summed: it is the row's largest. Results depend on the values in their
// order, and on the instruction set.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/rows.hpp"

namespace toptheta {

struct MassAbove {
  double sum = 0;
  std::int64_t count = 0;  // values above the threshold
};

// Sum of e^(v - shift) over the values v > threshold. Time: one pass, with an exponential for every value,
// and one that counts.
MassAbove exp_sum_above(std::span<const float> values, float threshold, float shift);

// Sum of e^(v - shift) over the values v <= threshold; over all of them where it is +infinity.
double exp_sum_at_most(std::span<const float> values, float threshold, float shift);

// Sum of e^(v - largest) over all values, whose row_range() is `range`. The work hides the way of `next`,
// memory that will be read soon, up to as many bytes as the values have, into the cache.
double exp_sum(std::span<const float> values, const RowRange& range, std::span<const std::byte> next = {});

struct RowExponentials {
  double sum = 0;   // of e^(v - largest): exp_sum() to the last bit
  double unit = 1;  // near 1
};

// out[j] * unit = e^(row[j] - largest) for a row whose row_range() is `range`; `out` is memory of its own.
// Time: one pass.
RowExponentials exponentials(std::span<const float> row, const RowRange& range, std::span<float> out);

// Sum of the values v > threshold themselves, which are weights.
MassAbove sum_above(std::span<const float> values, float threshold);

}  // namespace toptheta
