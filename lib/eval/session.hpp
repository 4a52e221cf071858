// A model that runs under one policy: feeds tokens through a KV cache, counts what attention keeps, and
// measures the time.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "attention/counters.hpp"
#include "attention/kv_cache.hpp"
#include "attention/policy.hpp"
#include "model/transformer.hpp"

namespace toptheta {

// What is counted in addition to what attention keeps.
struct Counting {
  TileSize tile{};            // size of the tiles that are counted if they keep nothing
  bool output_error = false;  // measure every head's output against dense attention's; ignored under dense
};

class PolicySession {
 public:
  // The most tokens that are fed at once, which limits the memory for logits to 4 bytes * kPiece *
  // vocab_size.
  static constexpr std::int64_t kPiece = 256;

  // All arguments must outlive the session. Sessions may share a cache, as long as each feeds only between
  // its own start() and the start() of another.
  PolicySession(Transformer& model, const ResolvedPolicy& policy, KvCache& cache, Phase phase,
                const Counting& counting = {});

  // Starts a new sequence with an empty cache. The old one is not added to the totals; finish() does that.
  void start();
  // Declares that the first `length` tokens are the prompt, whose last rows are dense under a policy with
  // dense-last. After start(), the length is 0 and no rows are dense for that reason.
  void expect_prompt(std::int64_t length) { prompt_ = length; }
  // Feeds at most kPiece tokens at the positions that follow. Returns logits [tokens - first_logit_row,
  // vocab_size], valid until the model runs again. Under Phase::decode the tokens go one by one through the
  // KV cache.
  std::span<const float> feed(std::span<const std::int32_t> tokens, std::int64_t first_logit_row);
  // Ends the sequence and adds its counts to the totals.
  void finish();

  // A point in the sequence to return to, for several continuations of the same beginning.
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
  [[nodiscard]] double seconds() const { return seconds_; }  // spent in forward passes
  [[nodiscard]] std::int64_t fed_tokens() const { return fed_tokens_; }

  // Counts tokens as `phase` from now on, and starts a new count, so that the decode steps after a prompt can
  // be counted without it.
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
