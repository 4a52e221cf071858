// Internal to lib/eval: log-likelihoods of token sequences under one policy.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "eval/divergence.hpp"
#include "eval/session.hpp"

namespace toptheta::eval_detail {

struct Likelihood {
  double log_probability = 0;  // sum over the scored tokens, in nats
  bool greedy = true;          // whether each scored token was the most likely one
};

// Feeds ids[begin, ids.size() - 1) to the session, which must hold the ids before them, and scores
// ids[first_scored, ids.size()), which also go to the meter. Requires begin < first_scored.
inline Likelihood score(PolicySession& session, const std::vector<std::int32_t>& ids, std::int64_t begin,
                        std::int64_t first_scored, std::size_t vocab, DivergenceMeter& meter) {
  Likelihood result;
  session.expect_prompt(first_scored);
  const auto end = static_cast<std::int64_t>(ids.size()) - 1;
  for (std::int64_t at = begin; at < end; at += PolicySession::kPiece) {
    const std::int64_t stop = std::min(end, at + PolicySession::kPiece);
    const std::int64_t first = std::clamp(first_scored - 1, at, stop);
    const auto logits = session.feed({ids.data() + at, static_cast<std::size_t>(stop - at)}, first - at);
    if (first == stop) continue;
    const std::span<const std::int32_t> targets(ids.data() + first + 1,
                                                static_cast<std::size_t>(stop - first));
    const std::span<const LogSoftmax> rows = meter.add(logits, targets);
    for (std::size_t row = 0; row < targets.size(); ++row) {
      const auto target = static_cast<std::size_t>(targets[row]);
      result.log_probability += static_cast<double>(logits[row * vocab + target]) - rows[row].log_sum;
      result.greedy = result.greedy && rows[row].top == targets[row];
    }
  }
  return result;
}

// Feeds ids[0, count), the beginning of a prompt of `prompt` tokens, without scoring them.
inline void feed_prefix(PolicySession& session, const std::vector<std::int32_t>& ids, std::int64_t count,
                        std::int64_t prompt) {
  session.expect_prompt(prompt);
  for (std::int64_t at = 0; at < count; at += PolicySession::kPiece) {
    const std::int64_t rows = std::min(count - at, PolicySession::kPiece);
    session.feed({ids.data() + at, static_cast<std::size_t>(rows)}, rows);
  }
}

}  // namespace toptheta::eval_detail
