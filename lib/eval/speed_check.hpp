// Is what is about to be timed also right? Attention as it runs, against the formulas in double precision.
#pragma once
#include <cstdint>
#include <span>

#include "eval/speed.hpp"
#include "model/transformer.hpp"

namespace toptheta {

struct SpeedCheck {
  std::int64_t rows = 0;  // attention rows compared
  std::int64_t skipped =
      0;  // rows in which a score stands so near the selection's edge that rounding decides
  double largest_error = 0;  // largest |difference| of an output element, over the largest |V|
};

// Runs the first tokens (at most 320) of a text densely, takes the queries, keys and values of the first and
// the last layer, and attends to them with the policy: once by attend(), as a prefill and, for the last rows,
// as decode steps, and once row by row by the formulas of docs/method.md in double precision, both with keys
// and values rounded to `kv`. Throws Error with status 1 if they differ by more than 1e-4 of the largest |V|,
// naming layer, head and row.
SpeedCheck check_attention(Transformer& model, std::span<const std::int32_t> tokens, const SpeedCase& policy,
                           KvType kv = KvType::f32);

}  // namespace toptheta
