// Natural-log probabilities of rows of logits, computed in double and vectorised for the processor at run
// time (docs/method.md, "Metrics").
//
// Exponentials are doubles within 2 ulp. Eight parallel sums are added in a fixed order, so that instruction
// sets differ only by the rounding of the exponentials.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

struct LogSoftmax {
  double log_sum = 0;    // ln sum e^logit: ln p of a token is its logit minus this
  std::int64_t top = 0;  // index of the largest logit; of equal ones, the first
};

// `logits` is one row; it must not be empty, and all of it finite. Time: one exponential per logit.
LogSoftmax log_softmax(std::span<const float> logits);

// The KL divergence, sum of p (ln p - ln q), between the softmaxes of two rows of equal size; `p` and `q` are
// what log_softmax() returned for them. A negative result, which rounding may cause, becomes 0. Time: one
// exponential per logit.
double kl_divergence(std::span<const float> p_logits, const LogSoftmax& p, std::span<const float> q_logits,
                     const LogSoftmax& q);

}  // namespace toptheta
