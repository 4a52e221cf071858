// Predicts how long a model takes for given tokens, from the operations that they need and a short timed
// pass.
#pragma once
#include <cstdint>

#include "attention/policy.hpp"
#include "eval/runner.hpp"
#include "model/transformer.hpp"

namespace toptheta {

// The floating-point operations of feeding these tokens under dense attention: 2 per token for each parameter
// of a matrix that it passes (non_embedding_parameters() and the output head), and 4 head_dim for each query
// head, layer and visible key.
double forward_flops(const ModelConfig& config, const FedTokens& fed);

struct SpeedProbe {
  std::int64_t tokens = 0;  // how many tokens were fed
  double seconds = 0;       // the time that they took
  double flops = 0;         // their forward_flops()

  // The time for `work` operations at the same rate.
  [[nodiscard]] double seconds_for(double work) const { return seconds * work / flops; }
};

// Times a pass over 16 random tokens, and over 64 and then 256 as long as the pass before took at most 0.2
// seconds; never more tokens than `longest`. In decode, a quarter as many tokens are fed one by one. Cost:
// about two seconds, or two passes of 16 tokens if these take longer.
SpeedProbe probe_speed(Transformer& model, const ResolvedPolicy& policy, Phase phase, KvType kv,
                       std::int64_t longest);

// The size in bytes of a KV cache with `capacity` positions, including what its prefilter adds.
double cache_bytes(const ModelConfig& config, std::int64_t capacity, Prefilter prefilter, KvType kv);

// The largest amount of resident memory that this process has held so far, in bytes.
double peak_memory();

}  // namespace toptheta
