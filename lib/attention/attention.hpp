// Sparse attention over a KV cache: selects keys by policy, compensates, counts.
//
// For row i of query head h with n = i + 1 visible keys, scores s_j = scale * (q_i . k_j) and KV head g = h /
// group:
//   out_i = sum over kept j of w_j V_j  [+ (1 - sum of w) * mean(V_0 ... V_i) with VMC]
// where w is defined in docs/method.md, "Compensating" (paper: equations of sections 3.1 to 3.3).
#pragma once
#include <cstdint>
#include <span>

#include "attention/counters.hpp"
#include "attention/kv_cache.hpp"
#include "attention/policy.hpp"
#include "core/rows.hpp"

namespace toptheta {

// What a family of models computes beyond softmax(scale * q k^T) V over all keys up to a query.
struct AttentionArithmetic {
  // A query sees only the last `window` keys up to its own position; 0: all of them. The row length n, by
  // which thresholds are looked up, is the number of keys that the query sees.
  std::int64_t window = 0;
  // Scores become soft_cap * tanh(s / soft_cap) before anything compares or exponentiates them; 0: no cap.
  float soft_cap = 0;
  // [num_heads] For each query head a logit that takes part in the softmax's denominator but has no key or
  // value; it is neither kept nor dropped. Empty: none.
  std::span<const float> sinks{};

  [[nodiscard]] bool is_plain() const { return window == 0 && soft_cap == 0 && sinks.empty(); }
  // The first key that the query at `position` sees.
  [[nodiscard]] std::int64_t first_key(std::int64_t position) const {
    return window > 0 && position >= window ? position + 1 - window : 0;
  }
};

struct AttentionCall {
  std::int64_t layer = 0;
  std::int64_t first_position =
      0;  // position of row 0; the cache holds keys and values up to the last row's position
  std::int64_t rows = 0;
  const float* q = nullptr;  // [rows, num_heads, head_dim], after rotary embedding
  float scale = 1;           // usually 1 / sqrt(head_dim)
  float* out = nullptr;      // [rows, num_heads, head_dim]
  AttentionArithmetic arithmetic{};
};

// What a call reports or does in addition; all of it is optional.
struct AttentionListeners {
  SequenceCounts* counts = nullptr;  // receives the counts of kept elements and V rows
  RowSink* scores = nullptr;         // receives every row's pre-softmax scores before anything is dropped
  // Also counts lost mass, which takes the exponentials of dropped scores. If false, lost mass is reported as
  // 0.
  bool lost_mass = true;
  // Counts how far the output is from that of dense attention over the same queries, keys and values, which
  // is computed in addition, at the cost of a dense attention. Requires `counts`.
  bool output_error = false;
  // Rows at the positions [dense_from, dense_to) keep everything, whatever the policy: the end of a prompt
  // under dense-last.
  std::int64_t dense_from = 0;
  std::int64_t dense_to = 0;
  // Whether rows are steps of a decode, where running-softmax placement knows the whole denominator before it
  // compares. Used only without `counts`, which know the phase themselves.
  Phase phase = Phase::prefill;

  [[nodiscard]] bool is_decode() const {
    return (counts != nullptr ? counts->phase() : phase) == Phase::decode;
  }
};

// Computes the call. Parallel over KV heads and tiles of rows, or, for a single row, over KV heads and tiles
// of keys. The result of a row depends neither on the number of threads nor on the other rows of the call.
//
// Time: the scores of all keys (or of those that a prefilter leaves), then exponentials and V rows for kept
// keys only. Exact SDC and lost mass add the exponentials of dropped keys, in the same pass over K. A score
// listener costs the scores once more and changes no result.
//
// Memory per thread: about 150 KB for dense and top-theta; 4 bytes * 24 rows * keys for top-k, post-softmax
// placement and cap-k; 4 bytes * 16 rows * keys in the row-by-row path, which serves head sizes that are not
// multiples of 4.
void attend(const AttentionCall& call, KvCache& cache, const ResolvedPolicy& policy,
            const AttentionListeners& listeners = {});

}  // namespace toptheta
