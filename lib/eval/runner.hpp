// Policies x one task -> results, over one load of the model.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "eval/result.hpp"
#include "eval/session.hpp"
#include "model/language_model.hpp"
#include "tasks/task.hpp"

namespace toptheta {

struct PolicyPlan {
  ResolvedPolicy policy;
  PolicyRecord record;
};

struct EvaluationOptions {
  Phase phase = Phase::prefill;  // decode: every token goes through the KV cache on its own
  std::int64_t context = 0;      // tokens the model sees at once; 0: the model's own limit
  KvType kv = KvType::f32;       // what keys and values are cached in
  TileSize tile{};               // of which it is counted how many keep nothing
  std::int64_t ppl_chunk = 0;    // window of the chunked protocol for texts; 0: not asked for
  std::function<void(std::int64_t done, std::int64_t total)> progress{};  // in examples
};

// One result per policy, in order. All policies see an example before the next one begins, so that a dense
// policy among them serves the others as reference: a text then also gets the KL divergence to dense, token
// by token, without keeping its logits. Memory: a KV cache per policy, and logits of PolicySession::kPiece
// tokens per policy.
//   text:            nll, perplexity, word_perplexity, byte_perplexity, bits_per_byte [, perplexity_chunked]
//   [, kl, kl_median,
//                    kl_p90, kl_p95, kl_p99, kl_p99.9, kl_max, same_top]
//   multiple choice: acc, acc_norm, answer_nll
//   continuation:    acc (greedy decoding agrees), continuation_nll (nats per example)
//   generation:      exact_match; its sparsity is that of the decode steps
// Throws InputError for an example that the model's context cannot hold.
std::vector<RunResult> evaluate(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                const Task& task, const EvaluationOptions& options);

}  // namespace toptheta
