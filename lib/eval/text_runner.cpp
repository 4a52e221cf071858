// Perplexity of texts, and the divergence from dense token by token.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "eval/metrics.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

// What one policy's run over the texts saw, token by token.
struct TokenRecord {
  std::vector<double> nll;       // -ln p(token)
  std::vector<double> kl;        // KL(dense || policy); empty without a dense policy
  std::vector<double> same_top;  // 1 where the most likely token is dense's
};

// The first dense policy: its logits are every other policy's reference.
std::optional<std::size_t> reference_of(const std::vector<PolicyPlan>& policies) {
  for (std::size_t p = 0; p < policies.size(); ++p)
    if (is_dense(policies[p].policy.policy())) return p;
  return std::nullopt;
}

// The order to run policies in: the reference first.
std::vector<std::size_t> running_order(std::size_t policies, std::optional<std::size_t> reference) {
  std::vector<std::size_t> order;
  if (reference) order.push_back(*reference);
  for (std::size_t p = 0; p < policies; ++p)
    if (p != reference) order.push_back(p);
  return order;
}

class TextScorer {
 public:
  TextScorer(LanguageModel& model, const std::vector<PolicyPlan>& policies, std::int64_t context,
             const EvaluationOptions& options)
      : vocab_(static_cast<std::size_t>(model.transformer.config().vocab_size)),
        reference_(reference_of(policies)),
        order_(running_order(policies.size(), reference_)),
        records_(policies.size()) {
    for (const PolicyPlan& plan : policies)
      sessions_.emplace_back(model.transformer, plan.policy, context, options.phase, options.kv,
                             options.tile);
  }

  void score(const Window& window) {
    for (PolicySession& session : sessions_) {
      session.start();
      session.expect_prompt(static_cast<std::int64_t>(window.input.size()));
    }
    const std::span<const std::int32_t> input(window.input);
    const std::span<const std::int32_t> targets(window.targets);
    const std::size_t unscored =
        input.size() - targets.size();  // leading positions that predict nothing asked for
    for (std::size_t begin = 0; begin < input.size(); begin += PolicySession::kPiece) {
      const std::size_t end = std::min(input.size(), begin + PolicySession::kPiece);
      const std::size_t first = std::clamp(unscored, begin, end);
      for (const std::size_t p : order_) {
        const auto logits =
            sessions_[p].feed(input.subspan(begin, end - begin), static_cast<std::int64_t>(first - begin));
        if (first < end) record(p, logits, targets.subspan(first - unscored, end - first));
      }
    }
    for (PolicySession& session : sessions_)
      session.finish();
  }

  [[nodiscard]] const TokenRecord& record_of(std::size_t policy) const { return records_[policy]; }
  [[nodiscard]] const PolicySession& session_of(std::size_t policy) const { return sessions_[policy]; }

 private:
  // logits: [targets, vocab]; row i predicts targets[i].
  void record(std::size_t policy, std::span<const float> logits, std::span<const std::int32_t> targets) {
    TokenRecord& record = records_[policy];
    const bool compare = reference_.has_value();
    if (policy == reference_) reference_logits_.assign(logits.begin(), logits.end());
    const std::size_t old = record.nll.size();
    record.nll.resize(old + targets.size());
    if (compare) record.kl.resize(old + targets.size());
    if (compare) record.same_top.resize(old + targets.size());
    parallel_for(static_cast<std::int64_t>(targets.size()), [&](std::int64_t i) {
      const auto at = static_cast<std::size_t>(i);
      const auto row = logits.subspan(at * vocab_, vocab_);
      record.nll[old + at] =
          log_sum_exp(row) - static_cast<double>(row[static_cast<std::size_t>(targets[at])]);
      if (!compare) return;
      const auto dense = std::span<const float>(reference_logits_).subspan(at * vocab_, vocab_);
      record.kl[old + at] = policy == reference_ ? 0 : kl_divergence(dense, row);
      record.same_top[old + at] = argmax(dense) == argmax(row) ? 1 : 0;
    });
  }

  std::size_t vocab_;
  std::optional<std::size_t> reference_;
  std::vector<std::size_t> order_;
  Sessions sessions_;
  std::vector<TokenRecord> records_;
  std::vector<float> reference_logits_;  // [rows of the piece, vocab]
};

// exp of a mean, its error to first order.
Measure exponential_of(const Measure& mean) {
  const double value = std::exp(mean.value);
  if (!mean.standard_error) return {value, std::nullopt};
  return {value, value * *mean.standard_error};
}

void add_divergence(const TokenRecord& record, std::vector<std::pair<std::string, Measure>>& metrics) {
  std::vector<double> sorted = record.kl;
  std::sort(sorted.begin(), sorted.end());
  metrics.emplace_back("kl", mean_of(record.kl));
  metrics.emplace_back("kl_median", Measure{quantile_of_sorted(sorted, 0.5)});
  metrics.emplace_back("kl_p90", Measure{quantile_of_sorted(sorted, 0.9)});
  metrics.emplace_back("kl_p95", Measure{quantile_of_sorted(sorted, 0.95)});
  metrics.emplace_back("kl_p99", Measure{quantile_of_sorted(sorted, 0.99)});
  metrics.emplace_back("kl_p99.9", Measure{quantile_of_sorted(sorted, 0.999)});
  metrics.emplace_back("kl_max", Measure{sorted.back()});
  metrics.emplace_back("same_top", mean_of(record.same_top));
}

// The texts' own size, for the measures per word and per byte.
struct TextSize {
  std::int64_t words = 0;
  std::int64_t bytes = 0;
};

void add_metrics(const TokenRecord& record, const TextSize& size, RunResult& result) {
  const Measure nll = mean_of(record.nll);
  double total = 0;
  for (const double x : record.nll)
    total += x;
  result.metrics = {{"nll", nll},
                    {"perplexity", exponential_of(nll)},
                    {"word_perplexity", {std::exp(total / static_cast<double>(size.words))}},
                    {"byte_perplexity", {std::exp(total / static_cast<double>(size.bytes))}},
                    {"bits_per_byte", {total / static_cast<double>(size.bytes) / std::log(2.0)}}};
  result.counts = {
      {"tokens", static_cast<std::int64_t>(record.nll.size())}, {"words", size.words}, {"bytes", size.bytes}};
  if (!record.kl.empty()) add_divergence(record, result.metrics);
}

// The chunked protocol has windows, and therefore sessions, of its own.
void add_chunked(LanguageModel& model, const std::vector<PolicyPlan>& policies, const Task& task,
                 const EvaluationOptions& options, std::vector<RunResult>& results) {
  TextScorer scorer(model, policies, options.ppl_chunk, options);
  for (const TextDocument& document : std::get<std::vector<TextDocument>>(task.examples)) {
    const std::vector<std::int32_t> tokens = model.tokenizer.encode(document.text);
    for (const Window& window : chunked_windows(tokens, start_token(model), options.ppl_chunk))
      scorer.score(window);
  }
  if (scorer.record_of(0).nll.empty())
    throw UsageError({.where = "--ppl-chunk",
                      .what = fmt::format("no text of {} fills a window", task.path),
                      .expected = fmt::format("at least {} tokens", options.ppl_chunk),
                      .next = "give a smaller --ppl-chunk"});
  for (std::size_t p = 0; p < policies.size(); ++p)
    results[p].metrics.emplace_back("perplexity_chunked", exponential_of(mean_of(scorer.record_of(p).nll)));
}

}  // namespace

std::vector<RunResult> evaluate_texts(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                      const Task& task, const EvaluationOptions& options) {
  const std::int64_t context = context_of(model, options);
  TextScorer scorer(model, policies, context, options);
  const auto& documents = std::get<std::vector<TextDocument>>(task.examples);
  TextSize size;
  for (std::size_t t = 0; t < documents.size(); ++t) {
    const std::string& text = documents[t].text;
    size.words += count_words(text);
    size.bytes += static_cast<std::int64_t>(text.size());
    for (const Window& window : rolling_windows(model.tokenizer.encode(text), start_token(model), context))
      scorer.score(window);
    report_progress(options, static_cast<std::int64_t>(t) + 1, task.size());
  }
  std::vector<RunResult> results;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    const PolicySession& session = scorer.session_of(p);
    results.push_back(start_result(policies[p], task, options.phase, session.totals(), session.seconds()));
    add_metrics(scorer.record_of(p), size, results.back());
    results.back().counts.emplace_back("fed_tokens", session.fed_tokens());
  }
  if (options.ppl_chunk > 0) add_chunked(model, policies, task, options, results);
  return results;
}

}  // namespace toptheta::eval_detail
