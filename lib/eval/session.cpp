#include "eval/session.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>

namespace toptheta {

PolicySession::PolicySession(Transformer& model, const ResolvedPolicy& policy, KvCache& cache, Phase phase,
                             const Counting& counting)
    : model_(model),
      policy_(policy),
      phase_(phase),
      cache_(cache),
      counts_(model.config().shape, cache_.capacity(), phase, counting.tile),
      totals_(model.config().shape),
      counting_{counting.tile, counting.output_error && !is_dense(policy.policy())} {}

void PolicySession::start() {
  cache_.truncate(0);
  prompt_ = 0;
  counts_ = SequenceCounts(model_.config().shape, cache_.capacity(), phase_, counting_.tile);
}

void PolicySession::count_as(Phase phase) {
  phase_ = phase;
  counts_ = SequenceCounts(model_.config().shape, cache_.capacity(), phase, counting_.tile);
}

std::span<const float> PolicySession::run(std::span<const std::int32_t> tokens,
                                          std::int64_t first_logit_row) {
  const auto begin = std::chrono::steady_clock::now();
  const AttentionListeners attention{
      .counts = &counts_,
      .output_error = counting_.output_error,
      .dense_from = std::max<std::int64_t>(0, prompt_ - policy_.policy().dense_last),
      .dense_to = prompt_};
  const auto logits =
      model_.forward(tokens, cache_, policy_, {.attention = attention, .first_logit_row = first_logit_row});
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  fed_tokens_ += static_cast<std::int64_t>(tokens.size());
  return logits;
}

std::span<const float> PolicySession::feed(std::span<const std::int32_t> tokens,
                                           std::int64_t first_logit_row) {
  assert(static_cast<std::int64_t>(tokens.size()) <= kPiece);
  if (phase_ == Phase::prefill || tokens.size() == 1) return run(tokens, first_logit_row);
  decoded_logits_.clear();
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const auto logits = run(tokens.subspan(t, 1), 0);
    if (static_cast<std::int64_t>(t) >= first_logit_row)
      decoded_logits_.insert(decoded_logits_.end(), logits.begin(), logits.end());
  }
  return decoded_logits_;
}

void PolicySession::finish() {
  totals_.merge(counts_.totals());
}

void PolicySession::rewind(const Mark& mark) {
  cache_.truncate(mark.length);
  counts_ = mark.counts;
  cache_.memory() = mark.memory;
}

}  // namespace toptheta
