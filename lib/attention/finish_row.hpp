// From a row's sums over its kept keys to its output: the compensation of docs/method.md, "Compensating".
#pragma once
#include <cstdint>
#include <limits>
#include <span>

#include "attention/counters.hpp"
#include "attention/row_attention.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

// What a row's count says about the softmax mass that was dropped: nothing; its sum; or, where the dropped
// were not read, what calibrated SDC takes it to be.
enum class LostMass { none, summed, estimated };

// The row sees n keys; `state` holds the kept and, under exact SDC or where lost mass
// is wanted, what was dropped. value_sum: V_0 + ... + V_{n-1}, only read under VMC. Divides `out` by the
// denominator and adds the compensation; returns the row's count.
HeadCount finish_row(const RowRule& rule, std::int64_t n, const RowState& state, LostMass lost_mass,
                     std::span<const double> value_sum, std::span<float> out);

// All scores of a row, dropped ones included.
struct RowTotal {
  float largest = -std::numeric_limits<float>::infinity();
  double sum = 0;  // of e^(s - largest), the sink left out
};

// The same where the whole denominator is known and the kept keep their softmax weights: post-softmax and
// running-softmax placement.
HeadCount finish_weights(const RowRule& rule, std::int64_t n, const RowState& state, const RowTotal& total,
                         bool want_lost_mass, std::span<const double> value_sum, std::span<float> out);

// The last steps, for whoever has the denominator: out * factor, plus (1 - total) / n * value_sum under VMC.
// The total is that of the weights of the kept and of the sink.
void scale_and_compensate(const RowRule& rule, std::int64_t n, double factor, double total,
                          std::span<const double> value_sum, std::span<float> out);

}  // namespace toptheta
