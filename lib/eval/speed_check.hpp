// Checks that what is about to be timed is also right: compares attention with its formulas in double
// precision.
#pragma once
#include <cstdint>
#include <span>

#include "eval/speed.hpp"
#include "model/transformer.hpp"

namespace toptheta {

struct SpeedCheck {
  std::int64_t rows = 0;     // attention rows compared
  std::int64_t skipped = 0;  // rows left out, in which rounding decides whether a score is kept
  double largest_error = 0;  // largest |difference| of an output element, divided by the largest |V|
};

// Runs the first tokens of a text (at most 320) through the dense model and takes the queries, keys and
// values of the first and the last layer. With the policy, it then computes attention twice: by attend(), as
// a prefill with the last rows as decode steps, and row by row by the formulas of docs/method.md in double
// precision; both with keys and values rounded to `kv`. Windows, soft caps and sinks of the model are left
// out on both sides. The policy must be dense, top-k or top-theta, with pre-softmax or post-softmax
// placement. Throws Error with status 1, naming layer, head and row, if outputs differ by more than 1e-4 of
// the largest |V|.
SpeedCheck check_attention(Transformer& model, std::span<const std::int32_t> tokens, const SpeedCase& policy,
                           KvType kv = KvType::f32);

}  // namespace toptheta
