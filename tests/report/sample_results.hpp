// A small report whose figures can be checked by hand: two layers, two query heads, one KV head; one sequence
// of four tokens under dense and under top-theta with k = 2.
#pragma once
#include "eval/result.hpp"

namespace toptheta::testing {

inline AttentionCounts sample_counts(std::int64_t kept_of_last_head) {
  AttentionCounts counts(ModelShape{2, 2, 1, 8});
  for (HeadCount& head : counts.heads)
    head = {.rows = 4, .visible = 10, .kept = 7, .topk_kept = 7, .lost_mass = 0.5};
  counts.heads.back().kept = kept_of_last_head;
  for (GroupCount& group : counts.groups)
    group = {.rows_needed = 3, .rows_available = 4};
  return counts;
}

inline AttentionCounts dense_counts() {
  AttentionCounts counts(ModelShape{2, 2, 1, 8});
  for (HeadCount& head : counts.heads)
    head = {.rows = 4, .visible = 10, .kept = 10, .topk_kept = 10, .lost_mass = 0};
  for (GroupCount& group : counts.groups)
    group = {.rows_needed = 4, .rows_available = 4};
  return counts;
}

inline Results sample_results() {
  Results results;
  results.model = "tiny";
  results.model_sha256 = "aa";
  results.shape = {2, 2, 1, 8};
  results.threads = 2;
  results.provenance = {"0.1.0", "abc", "tt-eval run", 7, {{"task.jsonl", "bb"}}};

  RunResult dense;
  dense.task = {"held-out", "text", 1, "cc"};
  dense.metrics = {{"nll", {1.25, 0.0125}}, {"perplexity", {3.4903429574618414, std::nullopt}}};
  dense.counts = {{"tokens", 4}};
  dense.sparsity = dense_counts();
  dense.seconds = {{"total", 0.5}};
  results.runs.push_back(dense);

  RunResult theta;
  theta.policy.policy = {.selection = Selection::theta, .sdc = Sdc::exact, .vmc = true, .k = 2};
  theta.policy.layer_k = {kDenseK, 2};
  theta.policy.thresholds = "theta.h5";
  theta.policy.add_sigma = 0.5;
  theta.policy.topk_at_calibration = true;
  theta.task = {"quiz, hard", "multiple-choice", 4, "dd"};
  theta.metrics = {{"acc", {0.5, 0.25}}, {"acc_norm", {0.75, std::nullopt}}};
  theta.counts = {{"tokens", 16}, {"correct", 2}};
  theta.sparsity = sample_counts(14);
  results.runs.push_back(theta);
  return results;
}

}  // namespace toptheta::testing
