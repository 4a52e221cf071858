// Runs texts: perplexity, and the divergence from dense token by token.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "core/error.hpp"
#include "eval/divergence.hpp"
#include "eval/metrics.hpp"
#include "eval/paired.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

using Documents = std::vector<TextDocument>;

// The windows that a document is cut into.
struct DocumentWindows {
  std::vector<Window> windows;
  std::int64_t scored = 0;   // scored tokens of all windows
  std::int64_t longest = 0;  // input tokens of the longest window
};

DocumentWindows windows_of(std::vector<Window> windows) {
  DocumentWindows result{std::move(windows), 0, 0};
  for (const Window& window : result.windows) {
    result.scored += std::ssize(window.targets);
    result.longest = std::max(result.longest, std::ssize(window.input));
  }
  return result;
}

std::vector<DocumentWindows> rolling(const LanguageModel& model, const Task& task, std::int64_t context) {
  std::vector<DocumentWindows> all;
  for (const TextDocument& document : std::get<Documents>(task.examples))
    all.push_back(
        windows_of(rolling_windows(model.tokenizer.encode(document.text), start_token(model), context)));
  return all;
}

std::vector<DocumentWindows> chunked(const LanguageModel& model, const Task& task, std::int64_t chunk) {
  std::vector<DocumentWindows> all;
  for (const TextDocument& document : std::get<Documents>(task.examples))
    all.push_back(
        windows_of(chunked_windows(model.tokenizer.encode(document.text), model.tokenizer.bos(), chunk)));
  if (std::ranges::none_of(all, [](const DocumentWindows& one) { return one.scored > 0; }))
    throw UsageError({.where = "--ppl-chunk",
                      .what = fmt::format("no text of {} is long enough for a window", task.path),
                      .expected = fmt::format("at least {} tokens", chunk),
                      .next = "give a smaller --ppl-chunk"});
  return all;
}

std::int64_t longest_of(const std::vector<DocumentWindows>& documents) {
  std::int64_t longest = 1;
  for (const DocumentWindows& one : documents)
    longest = std::max(longest, one.longest);
  return longest;
}

std::int64_t scored_of(const std::vector<DocumentWindows>& documents) {
  std::int64_t scored = 0;
  for (const DocumentWindows& one : documents)
    scored += one.scored;
  return scored;
}

// Reports progress in tokens, over all windows that a run scores.
class Progress {
 public:
  Progress(const EvaluationOptions& options, std::int64_t total) : options_(options), total_(total) {
    show(0);
  }
  // Reports that `part` of the tokens to be added next are done.
  void show(std::int64_t part) const { report_progress(options_, done_ + part, total_, "tokens"); }
  void add(std::int64_t tokens) { done_ += tokens; }

 private:
  const EvaluationOptions& options_;
  std::int64_t total_;
  std::int64_t done_ = 0;
};

class TextScorer {
 public:
  TextScorer(LanguageModel& model, const std::vector<PolicyPlan>& policies, std::int64_t capacity,
             const EvaluationOptions& options)
      : meter_(policies, static_cast<std::size_t>(model.transformer.config().vocab_size)),
        sessions_(model, policies, capacity, false, options) {}

  void score(const Window& window, Progress& progress) {
    for (PolicySession& session : sessions_) {
      session.start();
      session.expect_prompt(static_cast<std::int64_t>(window.input.size()));
    }
    const std::span<const std::int32_t> input(window.input);
    const std::span<const std::int32_t> targets(window.targets);
    // Leading positions whose logits are not needed.
    const std::size_t unscored = input.size() - targets.size();
    for (std::size_t begin = 0; begin < input.size(); begin += PolicySession::kPiece) {
      const std::size_t end = std::min(input.size(), begin + PolicySession::kPiece);
      const std::size_t first = std::clamp(unscored, begin, end);
      const auto scored = static_cast<std::int64_t>(end - first);
      std::int64_t policies = 0;
      meter_.start();
      for (const std::size_t p : meter_.order()) {
        const auto logits =
            sessions_[p].feed(input.subspan(begin, end - begin), static_cast<std::int64_t>(first - begin));
        meter_.begin(p);
        if (first < end) meter_.add(logits, targets.subspan(first - unscored, end - first));
        progress.show(scored * ++policies / std::ssize(meter_.order()));
      }
      progress.add(scored);
    }
    for (PolicySession& session : sessions_)
      session.finish();
  }

  void score(const std::vector<DocumentWindows>& documents, Progress& progress) {
    for (const DocumentWindows& document : documents)
      for (const Window& window : document.windows)
        score(window, progress);
  }

  [[nodiscard]] const TokenRecord& record_of(std::size_t policy) const { return meter_.record_of(policy); }
  [[nodiscard]] const PolicySession& session_of(std::size_t policy) const { return sessions_[policy]; }
  [[nodiscard]] std::optional<std::size_t> reference() const { return meter_.reference(); }

 private:
  DivergenceMeter meter_;
  Sessions sessions_;
};

// The exponential of a mean, with its error to first order.
Measure exponential_of(const Measure& mean) {
  const double value = std::exp(mean.value);
  if (!mean.standard_error) return {value, std::nullopt};
  return {value, value * *mean.standard_error};
}

// The ratio that a difference of logarithms stands for.
PairedDifference exponential_of(const PairedDifference& difference) {
  PairedDifference ratio;
  ratio.value = std::exp(difference.value);
  if (difference.standard_error) ratio.standard_error = ratio.value * *difference.standard_error;
  if (difference.interval)
    ratio.interval =
        ConfidenceInterval{std::exp(difference.interval->low), std::exp(difference.interval->high)};
  return ratio;
}

// The size of the original texts, for the metrics per word and per byte.
struct TextSize {
  std::int64_t words = 0;
  std::int64_t bytes = 0;
};

TextSize size_of(const Task& task) {
  TextSize size;
  for (const TextDocument& document : std::get<Documents>(task.examples)) {
    const std::string& original = document.original.empty() ? document.text : document.original;
    size.words += count_words(original);
    size.bytes += std::ssize(original);
  }
  return size;
}

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
  add_divergence(record, result.metrics);
}

// Adds the difference of the nll per token, with an interval over documents, and the ratio of the
// perplexities.
void add_paired(const TokenRecord& own, const TokenRecord& dense,
                const std::vector<DocumentWindows>& documents, std::uint64_t seed, RunResult& result) {
  std::vector<DocumentSums> sums;
  std::size_t at = 0;
  for (const DocumentWindows& document : documents) {
    DocumentSums one{0, static_cast<double>(document.scored)};
    for (const std::size_t end = at + static_cast<std::size_t>(document.scored); at < end; ++at)
      one.difference += own.nll[at] - dense.nll[at];
    sums.push_back(one);
  }
  const PairedDifference nll = bootstrap_difference(sums, seed);
  result.paired = {{"nll", nll}, {"perplexity_ratio", exponential_of(nll)}};
}

// Adds the figures of the chunked protocol. As in llama-perplexity, the tokens of all windows form one
// sample.
void add_chunked(const TextScorer& scorer, std::size_t policy, RunResult& result) {
  const TokenRecord& own = scorer.record_of(policy);
  const Measure nll = mean_of(own.nll);
  result.metrics.emplace_back("nll_chunked", nll);
  result.metrics.emplace_back("perplexity_chunked", exponential_of(nll));
  add_divergence(own, result.metrics, "_chunked");
  const auto reference = scorer.reference();
  if (!reference || *reference == policy) return;
  const PairedDifference difference = paired_difference(own.nll, scorer.record_of(*reference).nll, false);
  result.paired.emplace_back("nll_chunked", difference);
  result.paired.emplace_back("perplexity_ratio_chunked", exponential_of(difference));
}

// For each document, the sum of its tokens' nll.
std::vector<double> document_nll(const TokenRecord& record, const std::vector<DocumentWindows>& documents) {
  std::vector<double> sums;
  std::size_t at = 0;
  for (const DocumentWindows& document : documents) {
    double& sum = sums.emplace_back(0);
    for (const std::size_t end = at + static_cast<std::size_t>(document.scored); at < end; ++at)
      sum += record.nll[at];
  }
  return sums;
}

void add_samples(std::vector<double> nll, const std::vector<DocumentWindows>& documents, RunResult& result) {
  std::vector<double> tokens;
  tokens.reserve(documents.size());
  for (const DocumentWindows& document : documents)
    tokens.push_back(static_cast<double>(document.scored));
  result.samples = {{"nll", std::move(nll)}, {"tokens", std::move(tokens)}};
}

void report_documents(const EvaluationOptions& options, const Task& task, std::size_t policy,
                      std::span<const double> nll, const std::vector<DocumentWindows>& documents) {
  if (!options.on_sample) return;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    Sample sample{.task = task,
                  .policy = policy,
                  .example = static_cast<std::int64_t>(d),
                  .place = std::get<Documents>(task.examples)[d].name};
    sample.log_likelihoods = {-nll[d]};
    sample.tokens = {documents[d].scored};
    options.on_sample(sample);
  }
}

}  // namespace

TaskCheck check_texts(const LanguageModel& model, const Task& task, const EvaluationOptions& options) {
  TaskCheck check;
  const auto add = [&check](const std::vector<DocumentWindows>& documents) {
    for (const DocumentWindows& document : documents)
      for (const Window& window : document.windows)
        check.fed.add(0, std::ssize(window.input));
  };
  if (options.ppl_chunk > 0) add(chunked(model, task, options.ppl_chunk));
  const std::vector<DocumentWindows> documents = rolling(model, task, context_of(model, options));
  add(documents);
  check.longest = longest_of(documents);
  return check;
}

std::vector<RunResult> evaluate_texts(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                      const Task& task, const EvaluationOptions& options) {
  const std::vector<DocumentWindows> documents = rolling(model, task, context_of(model, options));
  const std::vector<DocumentWindows> chunks =
      options.ppl_chunk > 0 ? chunked(model, task, options.ppl_chunk) : std::vector<DocumentWindows>{};
  Progress progress{options, scored_of(documents) + scored_of(chunks)};
  std::vector<RunResult> results;
  {
    TextScorer scorer(model, policies, longest_of(documents), options);
    scorer.score(documents, progress);
    const TextSize size = size_of(task);
    for (std::size_t p = 0; p < policies.size(); ++p) {
      const PolicySession& session = scorer.session_of(p);
      results.push_back(start_result(policies[p], task, options.phase, session.totals(), session.seconds()));
      add_metrics(scorer.record_of(p), size, results.back());
      results.back().counts.emplace_back("fed_tokens", session.fed_tokens());
      if (const auto reference = scorer.reference(); reference && *reference != p)
        add_paired(scorer.record_of(p), scorer.record_of(*reference), documents, options.seed,
                   results.back());
      std::vector<double> nll = document_nll(scorer.record_of(p), documents);
      report_documents(options, task, p, nll, documents);
      add_samples(std::move(nll), documents, results.back());
    }
  }
  if (chunks.empty()) return results;
  // The chunked protocol has its own windows and therefore its own sessions.
  TextScorer scorer(model, policies, longest_of(chunks), options);
  scorer.score(chunks, progress);
  for (std::size_t p = 0; p < policies.size(); ++p)
    add_chunked(scorer, p, results[p]);
  return results;
}

}  // namespace toptheta::eval_detail
