// Measures how fast a model runs under several policies: prefills of given lengths, and decode steps at given
// depths.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "attention/counters.hpp"
#include "eval/runner.hpp"
#include "model/transformer.hpp"

namespace toptheta {

// One thing to measure. All policies of a workload are timed in turn, so that a machine's fluctuations affect
// them alike.
struct SpeedWorkload {
  Phase phase = Phase::prefill;
  std::int64_t length = 0;  // prefill: tokens; decode: positions in the cache before the first step
};

// The least arithmetic and memory traffic of one prefill or one decode step.
struct SpeedWork {
  // Per token: 2 * non_embedding_parameters(). Per layer and query head: 2 * head_dim for each score and for
  // each kept element (under dense attention, 4 * head_dim * visible keys). And the logits of the last token.
  double flops = 0;
  double weight_bytes = 0;  // every matrix that a token passes, once
  double k_bytes = 0;       // every visible key once per KV head
  double v_bytes = 0;       // every V row that some query head of the KV group keeps, once per KV head
};

struct SpeedResult {
  SpeedWorkload workload{};
  std::string policy{};    // describe() of it
  double kept_target = 0;  // the kept fraction asked for; 0 if the policy has a k or thresholds of its own
  std::vector<double> seconds{};  // time of each prefill, or of each decode step
  std::int64_t tokens = 0;        // tokens that each of these fed
  AttentionCounts counts{};       // of the same work, from an extra run before the timed ones
  SpeedWork work{};
  int threads = 0;  // number of threads it ran with

  [[nodiscard]] double median_seconds() const;
};

struct SpeedCase {
  std::string name;
  double kept_target = 0;
  ResolvedPolicy policy;
};

struct SpeedOptions {
  std::int64_t repetitions = 3;    // timed prefills, or timed series of decode steps
  std::int64_t decode_steps = 16;  // decode steps in a series
  double weight_bytes = 4;         // bytes per weight of a matrix
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

// The parameters of the matrices that a token passes, but for the embedding and the output head. Of experts,
// these are the router and as many experts as a token goes to.
std::int64_t non_embedding_parameters(const ModelConfig& config);

// Times each case. For decode, `cache` must hold at least workload.length positions and is left with that
// many, so measure the deepest workload first. Prefill overwrites the cache. The cache must have room for the
// tokens. Before the timed runs, each case runs once to warm up and to be counted.
std::vector<SpeedResult> measure_speed(Transformer& model, KvCache& cache,
                                       std::span<const std::int32_t> tokens, const SpeedWorkload& workload,
                                       std::span<const SpeedCase> cases, const SpeedOptions& options);

}  // namespace toptheta
