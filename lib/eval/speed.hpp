// How fast a model runs under several policies: prefills of a length, and decode steps at a depth.
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

// One thing to measure; all policies of a workload are timed in turn, so that a machine's moods hit all.
struct SpeedWorkload {
  Phase phase = Phase::prefill;
  std::int64_t length = 0;  // prefill: tokens; decode: positions in the cache before the first step
};

// The arithmetic and the memory traffic that a workload cannot do without.
struct SpeedWork {
  // Per token 2 * non-embedding parameters, and per layer and head 2 * head_dim for each score and for each
  // kept element; the last token's logits. Dense, the attention part is 4 * heads * head_dim * visible keys.
  double flops = 0;
  double weight_bytes = 0;  // every matrix once
  double k_bytes = 0;       // every visible key once per KV head (prefill), per step (decode)
  double v_bytes = 0;       // V rows that some head of the group keeps, the same way
};

struct SpeedResult {
  SpeedWorkload workload{};
  std::string policy{};           // describe()
  double kept_target = 0;         // the fraction asked for with --kept; 0 where the policy came otherwise
  std::vector<double> seconds{};  // one prefill, or one decode step
  std::int64_t tokens = 0;        // that those seconds brought
  AttentionCounts counts{};       // of the same work, counted in an extra run before the timed ones
  SpeedWork work{};
  int threads = 0;  // that it ran with

  [[nodiscard]] double median_seconds() const;
};

struct SpeedCase {
  std::string name;
  double kept_target = 0;
  ResolvedPolicy policy;
};

struct SpeedOptions {
  std::int64_t repetitions = 3;    // prefills, or rows of decode steps
  std::int64_t decode_steps = 16;  // of each repetition
  double weight_bytes = 4;         // of a weight in the matrices
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

// A matrix's worth of parameters that every token passes: all but the embedding and the output head.
std::int64_t non_embedding_parameters(const ModelConfig& config);

// Times each case. Decode expects `cache` to hold at least workload.length positions and leaves it with that
// many; measure the deepest first. Prefill overwrites the cache. Requires room for the tokens. Each case runs
// once uncounted in the timings: that run is counted and warms up.
std::vector<SpeedResult> measure_speed(Transformer& model, KvCache& cache,
                                       std::span<const std::int32_t> tokens, const SpeedWorkload& workload,
                                       std::span<const SpeedCase> cases, const SpeedOptions& options);

}  // namespace toptheta
