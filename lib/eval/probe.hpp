// How long a model will take for so many tokens, from the operations they cost and a short measured pass.
#pragma once
#include <cstdint>

#include "attention/policy.hpp"
#include "eval/runner.hpp"
#include "model/transformer.hpp"

namespace toptheta {

// Floating-point operations of feeding these tokens under dense attention: 2 for each parameter of a matrix
// (the output head among them), and 4 head_dim for each query head, layer and visible key.
double forward_flops(const ModelConfig& config, const FedTokens& fed);

struct SpeedProbe {
  std::int64_t tokens = 0;  // that were fed
  double seconds = 0;
  double flops = 0;  // forward_flops() of them

  [[nodiscard]] double seconds_for(double work) const { return seconds * work / flops; }
};

// Times a pass over random tokens: 16, and where these are quick 64 and then 256 of them, at most `longest`.
// In decode a quarter of that, one by one. Cost: two seconds, or two passes of 16 tokens.
SpeedProbe probe_speed(Transformer& model, const ResolvedPolicy& policy, Phase phase, KvType kv,
                       std::int64_t longest);

// Bytes of a KV cache of so many positions, with what its prefilter adds.
double cache_bytes(const ModelConfig& config, std::int64_t capacity, Prefilter prefilter, KvType kv);

// Memory that this process holds at most up to now, bytes.
double peak_memory();

}  // namespace toptheta
