// From a row's sums over its kept keys to its output: compensation (docs/method.md, "Compensating").
#pragma once
#include <cstdint>
#include <limits>
#include <span>

#include "attention/counters.hpp"
#include "attention/row_attention.hpp"
#include "kernels/attention/tile_attention.hpp"

namespace toptheta {

// How a row's count reports the softmax mass that was dropped: not at all; as its sum; or, where dropped keys
// were not read, as calibrated SDC estimates it.
enum class LostMass { none, summed, estimated };

// Divides `out` by the denominator, adds the compensation, and returns the row's count. The row sees n keys.
// `state` holds the sums over the kept keys and, under exact SDC or where lost mass is wanted, over the
// dropped ones. value_sum [head_dim]: V_0 + ... + V_{n-1}, read only under VMC.
HeadCount finish_row(const RowRule& rule, std::int64_t n, const RowState& state, LostMass lost_mass,
                     std::span<const double> value_sum, std::span<float> out);

// A sum over scores of a row, such as all of them, including dropped ones.
struct RowTotal {
  float largest = -std::numeric_limits<float>::infinity();
  double sum = 0;  // of e^(s - largest), without the sink
};

// The same where `total`, beside the sink, is the whole denominator: post-softmax placement, and
// running-softmax placement, under which calibrated SDC may have estimated a part of it.
HeadCount finish_weights(const RowRule& rule, std::int64_t n, const RowState& state, const RowTotal& total,
                         bool want_lost_mass, std::span<const double> value_sum, std::span<float> out);

// The sum of the exponentials of the kept keys, relative to `largest`.
double kept_sum_relative_to(const RowState& state, float largest);

// The share that the dropped keys have of the row's softmax weights: their sum over that of kept keys,
// dropped keys and sink.
double lost_share(const RowRule& rule, const RowState& state, const RowTotal& dropped);

// The last steps, for callers who know the denominator: out = out * factor, plus (1 - total) / n * value_sum
// under VMC. `total` is the sum of the weights of the kept keys and of the sink.
void scale_and_compensate(const RowRule& rule, std::int64_t n, double factor, double total,
                          std::span<const double> value_sum, std::span<float> out);

}  // namespace toptheta
