// A model running under one policy: feeds tokens, keeps the KV cache and the counts, measures the time.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "attention/counters.hpp"
#include "attention/kv_cache.hpp"
#include "attention/policy.hpp"
#include "model/transformer.hpp"

namespace toptheta {

// What is counted beside what attention keeps.
struct Counting {
  TileSize tile{};
  bool output_error = false;  // also of every head's output against dense attention's; nothing under dense
};

class PolicySession {
 public:
  // Longest piece of tokens whose logits are computed at once: bounds the memory for logits at
  // 4 bytes * kPiece * vocab_size.
  static constexpr std::int64_t kPiece = 256;

  // All must outlive the session. Sessions may share a cache: one may feed only between its own start() and
  // the start() of another.
  PolicySession(Transformer& model, const ResolvedPolicy& policy, KvCache& cache, Phase phase,
                const Counting& counting = {});

  // Forgets the sequence in the cache without counting it.
  void start();
  // The first `length` tokens are the prompt: under dense-last its last rows are dense. Until this is said,
  // none are.
  void expect_prompt(std::int64_t length) { prompt_ = length; }
  // Feeds tokens at the positions that follow; at most kPiece of them. Returns logits [rows -
  // first_logit_row, vocab_size], valid until the model runs again. Under Phase::decode the tokens go one by
  // one through the KV cache.
  std::span<const float> feed(std::span<const std::int32_t> tokens, std::int64_t first_logit_row);
  // The sequence has ended: its counts join the totals.
  void finish();

  // A point to come back to, for several continuations of one beginning.
  struct Mark {
    std::int64_t length = 0;
    SequenceCounts counts;
    PolicyMemory memory;
  };
  [[nodiscard]] Mark mark() const { return {cache_.length(), counts_, cache_.memory()}; }
  void rewind(const Mark& mark);
  [[nodiscard]] std::int64_t length() const { return cache_.length(); }

  [[nodiscard]] const AttentionCounts& totals() const { return totals_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  [[nodiscard]] double seconds() const { return seconds_; }  // in forward passes
  [[nodiscard]] std::int64_t fed_tokens() const { return fed_tokens_; }

  // From here on tokens count as `phase`: generation counts its decode steps, not the prompt. Starts a new
  // count.
  void count_as(Phase phase);

 private:
  std::span<const float> run(std::span<const std::int32_t> tokens, std::int64_t first_logit_row);

  Transformer& model_;
  const ResolvedPolicy& policy_;
  Phase phase_;
  KvCache& cache_;
  SequenceCounts counts_;
  AttentionCounts totals_;
  Counting counting_;
  std::int64_t prompt_ = 0;
  std::vector<float> decoded_logits_;  // [rows, vocab_size] of tokens fed one by one
  double seconds_ = 0;
  std::int64_t fed_tokens_ = 0;
};

}  // namespace toptheta
