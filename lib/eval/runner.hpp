// Evaluates one task under several policies, with one load of the model.
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

// How the prompts of generation tasks are continued.
struct GenerationSettings {
  SamplingRequest sampling{};       // none: take the likeliest token. Each example draws from its own stream
  std::vector<std::string> stop{};  // stop strings in addition to the example's
  std::int64_t max_new_tokens = 0;  // replaces the task's limit; 0: the task's limit holds
};

struct EvaluationOptions {
  Phase phase = Phase::prefill;  // decode: every token goes through the KV cache on its own
  std::int64_t context = 0;      // how many tokens the model sees at once; 0: the model's own limit
  KvType kv = KvType::f32;       // the type in which keys and values are cached
  TileSize tile{};               // size of the tiles that are counted if they keep nothing
  bool output_error = false;     // also measure how far each head's output is from dense attention's
  std::int64_t ppl_chunk = 0;    // window of the chunked perplexity protocol for texts; 0: leave it out
  GenerationSettings generation{};
  std::uint64_t seed = 0;  // of the bootstrap of paired intervals, and of drawn tokens
  // Called with progress, starting from 0: in examples, or for texts in tokens.
  std::function<void(std::int64_t done, std::int64_t total, std::string_view unit)> progress{};
  std::function<void(const Sample& sample)> on_sample{};  // called for every example under every policy
};

// What one policy did with one example.
struct Sample {
  const Task& task;
  std::size_t policy = 0;                 // index among the policies
  std::int64_t example = 0;               // index in the task
  std::string place{};                    // "x.jsonl:7", or a document's name
  std::string id{};                       // the line's own id, if a generation task has one
  std::string prompt_sha256{};            // digest of the context; that of the first choice if they differ
  std::vector<double> log_likelihoods{};  // in nats: one per choice; or that of the continuation or text
  std::vector<std::int64_t> tokens{};     // scored tokens, for each element of log_likelihoods
  std::optional<std::int64_t> answer{};   // multiple choice: the choice taken
  std::optional<std::int64_t> label{};    // multiple choice: the right choice
  std::string completion{};               // generation: the text before the stop string
  std::vector<std::pair<std::string, double>> metrics{};  // acc, acc_norm, exact_match: 1 if right
};

// Tokens that are fed to the model, and the number of keys that they see, with which attention's work grows.
struct FedTokens {
  double tokens = 0;
  double positions = 0;  // sum over the tokens of position + 1
  // Adds the tokens at positions begin ... end - 1.
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

// What is known about a task after tokenizing it, before any example is run.
struct TaskCheck {
  std::int64_t longest = 0;    // tokens of the longest sequence, which caches must hold
  std::int64_t truncated = 0;  // requests whose contexts are cut to fit
  FedTokens fed{};             // tokens of prompts and texts, under each policy
  FedTokens decoded{};         // tokens generated one by one, whatever the phase: an upper bound
};
// Throws what evaluate() throws for examples that the context cannot hold. Cost: tokenizing the task.
TaskCheck check_task(const LanguageModel& model, const Task& task, const EvaluationOptions& options);

// The part of a result that identifies the task.
TaskRecord task_record(const Task& task);

// Returns one result per policy, in order. All policies run an example before the next one begins, so that a
// dense policy can serve the others as a reference, token by token. Memory: KV caches as long as the longest
// sequence (policies take turns with one cache, but for texts each has its own), and the dense logits of the
// scored tokens of one example (for texts, of PolicySession::kPiece tokens).
//
// Metrics and counts by kind of task:
//   text:            nll, perplexity, word_perplexity, byte_perplexity, bits_per_byte; with ppl_chunk also
//                    nll_chunked and perplexity_chunked. Counts: tokens, words, bytes, fed_tokens.
//   multiple choice: acc, acc_norm, answer_nll. Counts: tokens, fed_tokens, truncated.
//   continuation:    acc (greedy decoding agrees), continuation_nll (nats per example). Counts: the same.
//   generation:      exact_match for each way to compare; sparsity is that of the decode steps. Counts:
//                    tokens (generated), cut_short (completions that ended because the context was full).
//
// With a dense policy, the others also get paired differences, and all but generation get kl, kl_median,
// kl_p90, kl_p95, kl_p99, kl_p99.9, kl_max, same_top, and delta_p with its quantiles (for chunks the same,
// with the ending "_chunked"). `truncated` counts requests whose context was cut to fit. Throws InputError
// for an example that the model's context cannot hold, UsageError for a context beyond what the model
// supports.
std::vector<RunResult> evaluate(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                const Task& task, const EvaluationOptions& options);

}  // namespace toptheta
