// What one policy's run over scored tokens saw, beside dense where dense is in the run. Only lib/eval
// includes this.
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

struct TokenRecord {
  std::vector<double> nll;  // -ln p(token)
  std::vector<double> kl;   // KL(dense || policy); this and the next two are empty without a dense policy
  std::vector<double> same_top;  // 1 where the most likely token is dense's
  std::vector<double> delta_p;   // p(token) - dense's
};

// The first dense policy: its logits are every other policy's reference.
std::optional<std::size_t> reference_of(const std::vector<PolicyPlan>& policies);

// The order to run policies in: the reference first.
std::vector<std::size_t> running_order(std::size_t policies, std::optional<std::size_t> reference);

// Compares logits with those that dense gave for the same tokens. Memory: dense's logits of the rows between
// two calls of start().
class DivergenceMeter {
 public:
  DivergenceMeter(const std::vector<PolicyPlan>& policies, std::size_t vocab);

  // Forgets the reference: other tokens come, dense's first.
  void start();
  // A policy begins with the first of the tokens.
  void begin(std::size_t policy);
  // logits: [targets, vocab]; row i predicts targets[i]. Requires the same targets of all policies. Returns
  // what it found out about each row, valid until the next call.
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
  std::size_t row_ = 0;                  // of the reference, of the next token
  std::vector<float> reference_logits_;  // [rows since start(), vocab]
  std::vector<LogSoftmax> reference_rows_;
  std::vector<double> reference_nll_;
  std::vector<LogSoftmax> rows_;  // of the last add()
};

// kl with its quantiles, same_top, and the change in probability of the right token (llama-perplexity's
// table, as fractions): nothing without a dense policy. `suffix`: what their names end in.
void add_divergence(const TokenRecord& record, std::vector<std::pair<std::string, Measure>>& metrics,
                    const std::string& suffix = "");

}  // namespace toptheta::eval_detail
