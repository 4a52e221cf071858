// Internal to lib/eval: the loss of scored tokens under each policy and, if a dense policy is in the run,
// their divergence from dense.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/result.hpp"
#include "eval/runner.hpp"
#include "kernels/rows/log_softmax.hpp"

namespace toptheta::eval_detail {

// One element per scored token. All but nll are empty without a dense policy.
struct TokenRecord {
  std::vector<double> nll;       // -ln p(token), in nats
  std::vector<double> kl;        // KL(dense || policy), in nats
  std::vector<double> same_top;  // 1 if the most likely token is the same as under dense, else 0
  std::vector<double> delta_p;   // p(token) minus that under dense
};

// The index of the first dense policy, whose logits are the reference of all others.
std::optional<std::size_t> reference_of(const std::vector<PolicyPlan>& policies);

// The order in which to run policies: the reference first.
std::vector<std::size_t> running_order(std::size_t policies, std::optional<std::size_t> reference);

// Compares logits with those that the dense policy gave for the same tokens. Memory: the dense logits of all
// rows since start().
class DivergenceMeter {
 public:
  DivergenceMeter(const std::vector<PolicyPlan>& policies, std::size_t vocab);

  // Starts a new sequence of tokens and forgets the reference. The dense policy must come first again.
  void start();
  // The calls of add() that follow are for this policy, from the first token of the sequence on.
  void begin(std::size_t policy);
  // `logits` is [targets, vocab]; row i predicts targets[i]. All policies must be given the same targets.
  // Returns the normalisation of each row, valid until the next call.
  std::span<const LogSoftmax> add(std::span<const float> logits, std::span<const std::int32_t> targets);

  [[nodiscard]] const TokenRecord& record_of(std::size_t policy) const { return records_[policy]; }
  [[nodiscard]] std::optional<std::size_t> reference() const { return reference_; }
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }

 private:
  std::size_t vocab_;
  std::optional<std::size_t> reference_;
  std::vector<std::size_t> order_;
  std::vector<TokenRecord> records_;
  std::size_t policy_ = 0;
  std::size_t row_ = 0;                  // the next token's row in the reference
  std::vector<float> reference_logits_;  // [rows since start(), vocab]
  std::vector<LogSoftmax> reference_rows_;
  std::vector<double> reference_nll_;
  std::vector<LogSoftmax> rows_;  // of the last add()
};

// Appends kl with its quantiles, same_top, and delta_p (the change in probability of the right token, as
// llama-perplexity tabulates it, but as fractions) with its quantiles. Appends nothing without a dense
// policy. Every name gets the ending `suffix`.
void add_divergence(const TokenRecord& record, std::vector<std::pair<std::string, Measure>>& metrics,
                    const std::string& suffix = "");

}  // namespace toptheta::eval_detail
