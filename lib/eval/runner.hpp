// Policies x one task -> results, over one load of the model.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

struct Sample;

// How generation tasks are continued.
struct GenerationSettings {
  SamplingRequest sampling{};       // none: the likeliest token. Every example draws from a stream of its own
  std::vector<std::string> stop{};  // texts end before these too
  std::int64_t max_new_tokens = 0;  // instead of what the task says; 0: that
};

struct EvaluationOptions {
  Phase phase = Phase::prefill;  // decode: every token goes through the KV cache on its own
  std::int64_t context = 0;      // tokens the model sees at once; 0: the model's own limit
  KvType kv = KvType::f32;       // what keys and values are cached in
  TileSize tile{};               // of which it is counted how many keep nothing
  bool output_error = false;     // also how far each head's output is from dense attention's
  std::int64_t ppl_chunk = 0;    // window of the chunked protocol for texts; 0: not asked for
  GenerationSettings generation{};
  std::uint64_t seed = 0;  // draws the resamples of paired intervals, and tokens
  // In examples, from 0 on; of texts in tokens, within windows too.
  std::function<void(std::int64_t done, std::int64_t total, std::string_view unit)> progress{};
  std::function<void(const Sample& sample)> on_sample{};  // told of every example under every policy
};

// What one policy did with one example.
struct Sample {
  const Task& task;
  std::size_t policy = 0;                 // index among the policies
  std::int64_t example = 0;               // index in the task
  std::string place{};                    // "x.jsonl:7", or a document's name
  std::string id{};                       // of a generation task whose lines have one
  std::string prompt_sha256{};            // of the context; of the first choice's where they differ
  std::vector<double> log_likelihoods{};  // of each choice; of the continuation; of a text: of all of it
  std::vector<std::int64_t> tokens{};     // scored, for each of them
  std::optional<std::int64_t> answer{};   // the choice taken
  std::optional<std::int64_t> label{};    // the right one
  std::string completion{};               // generation: up to the stop
  std::vector<std::pair<std::string, double>> metrics{};  // acc, acc_norm, exact_match: 1 where right
};

// Tokens that are fed to the model, and their positions added up, with which the work of attention grows.
struct FedTokens {
  double tokens = 0;
  double positions = 0;
  // Those at positions begin ... end - 1.
  void add(std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<double>(end - begin);
    tokens += count;
    positions += count * (static_cast<double>(begin + end - 1) / 2 + 1);
  }
  void add(const FedTokens& other) {
    tokens += other.tokens;
    positions += other.positions;
  }
};

// What reading all of a task's examples shows before one of them is run.
struct TaskCheck {
  std::int64_t longest = 0;    // tokens of the longest sequence; what caches must hold
  std::int64_t truncated = 0;  // requests whose contexts are cut to fit
  FedTokens fed{};             // under each policy
  FedTokens decoded{};         // of these one by one, whatever the phase: what is generated, at most
};
// Throws as evaluate() does for examples that the context cannot hold. Cost: tokenizing the task.
TaskCheck check_task(const LanguageModel& model, const Task& task, const EvaluationOptions& options);

// A task as results name it.
TaskRecord task_record(const Task& task);

// One result per policy, in order. All policies see an example before the next one begins, so that a dense
// policy among them serves the others as reference, token by token, without keeping its logits. Memory:
// caches as long as the longest sequence; one that policies share in turns, except for texts, where each has
// its own; dense's logits of the scored tokens of one example, of a text those of PolicySession::kPiece
// tokens.
//   text:            nll, perplexity, word_perplexity, byte_perplexity, bits_per_byte; of chunks nll_chunked,
//                    perplexity_chunked
//   multiple choice: acc, acc_norm, answer_nll
//   continuation:    acc (greedy decoding agrees), continuation_nll (nats per example)
//   generation:      exact_match for each way to compare; its sparsity is that of the decode steps
// All but generation, with a dense policy: kl, kl_median, kl_p90, kl_p95, kl_p99, kl_p99.9, kl_max, same_top,
// delta_p with its quantiles; of chunks the same, and "_chunked". With a dense policy also paired
// differences. Counts: truncated (requests whose context was cut to fit), of generation cut_short
// (completions that the context's end cut). Throws InputError for an example that the model's context cannot
// hold.
std::vector<RunResult> evaluate(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                const Task& task, const EvaluationOptions& options);

}  // namespace toptheta
