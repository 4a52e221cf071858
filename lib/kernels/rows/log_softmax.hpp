// Natural-log probabilities of rows of logits, in double, vectorised for the processor at run time
// (docs/method.md, "Metrics").
//
// Exponentials are doubles within 2 ulp; eight sums run side by side and are added in a fixed order, so that
// instruction sets differ by the rounding of the exponentials alone.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

struct LogSoftmax {
  double log_sum = 0;    // ln sum e^logit: ln p of a token is its logit less this
  std::int64_t top = 0;  // index of the largest logit, the first among equals
};

// Of one row, which is not empty and finite. Time: one exponential a logit.
LogSoftmax log_softmax(std::span<const float> logits);

// KL divergence sum p (ln p - ln q) of two rows of one size, p the first's softmax, given what log_softmax()
// says of each; never below 0, which rounding might leave it. Time: one exponential a logit.
double kl_divergence(std::span<const float> p_logits, const LogSoftmax& p, std::span<const float> q_logits,
                     const LogSoftmax& q);

}  // namespace toptheta
