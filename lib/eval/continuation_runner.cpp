// Runs tasks with one right continuation, such as LAMBADA: its likelihood, and whether greedy decoding would
// have produced it.
#include <algorithm>

#include "core/sha256.hpp"
#include "eval/likelihood.hpp"
#include "eval/metrics.hpp"
#include "eval/paired.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

using Continuations = std::vector<ContinuationExample>;

struct ContinuationRecord {
  std::vector<double> acc;  // 1 where greedy decoding agrees
  std::vector<double> nll;  // nats per continuation
};

TokenPair encode_continuation(const LanguageModel& model, const ContinuationExample& example,
                              const EvaluationOptions& options, std::int64_t& truncated) {
  return encode_example(model, example.context, example.continuation, context_of(model, options),
                        example.place, truncated);
}

void report(const EvaluationOptions& options, const Task& task, std::size_t policy, std::size_t e,
            const Likelihood& found, std::int64_t tokens) {
  if (!options.on_sample) return;
  const ContinuationExample& example = std::get<Continuations>(task.examples)[e];
  Sample sample{
      .task = task, .policy = policy, .example = static_cast<std::int64_t>(e), .place = example.place};
  sample.prompt_sha256 = sha256_of_text(example.context);
  sample.log_likelihoods = {found.log_probability};
  sample.tokens = {tokens};
  sample.metrics = {{"acc", found.greedy ? 1.0 : 0.0}};
  options.on_sample(sample);
}

}  // namespace

TaskCheck check_continuations(const LanguageModel& model, const Task& task,
                              const EvaluationOptions& options) {
  TaskCheck check;
  for (const ContinuationExample& example : std::get<Continuations>(task.examples)) {
    const std::int64_t length = std::ssize(encode_continuation(model, example, options, check.truncated).ids);
    check.longest = std::max(check.longest, length);
    check.fed.add(0, length - 1);
  }
  return check;
}

std::vector<RunResult> evaluate_continuations(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                              const Task& task, const EvaluationOptions& options) {
  const auto& examples = std::get<Continuations>(task.examples);
  const auto vocab = static_cast<std::size_t>(model.transformer.config().vocab_size);
  Sessions sessions(model, policies, check_continuations(model, task, options).longest, true, options);
  DivergenceMeter meter(policies, vocab);
  std::vector<ContinuationRecord> records(policies.size());
  std::int64_t scored = 0;
  std::int64_t truncated = 0;
  report_progress(options, 0, task.size());
  for (std::size_t e = 0; e < examples.size(); ++e) {
    const TokenPair pair = encode_continuation(model, examples[e], options, truncated);
    const std::int64_t tokens = std::ssize(pair.ids) - pair.context_tokens;
    scored += tokens;
    meter.start();
    for (const std::size_t p : meter.order()) {
      meter.begin(p);
      sessions[p].start();
      const Likelihood found = score(sessions[p], pair.ids, 0, pair.context_tokens, vocab, meter);
      sessions[p].finish();
      records[p].acc.push_back(found.greedy ? 1 : 0);
      records[p].nll.push_back(-found.log_probability);
      report(options, task, p, e, found, tokens);
    }
    report_progress(options, static_cast<std::int64_t>(e) + 1, task.size());
  }
  std::vector<RunResult> results;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    RunResult result =
        start_result(policies[p], task, options.phase, sessions[p].totals(), sessions[p].seconds());
    result.metrics = {{"acc", proportion_of(records[p].acc)}, {"continuation_nll", mean_of(records[p].nll)}};
    add_divergence(meter.record_of(p), result.metrics);
    if (const auto reference = meter.reference(); reference && *reference != p)
      result.paired = {
          {"acc", paired_difference(records[p].acc, records[*reference].acc, true)},
          {"continuation_nll", paired_difference(records[p].nll, records[*reference].nll, false)}};
    result.samples = {{"acc", records[p].acc}, {"continuation_nll", records[p].nll}};
    result.counts = {{"tokens", scored}, {"fed_tokens", sessions[p].fed_tokens()}, {"truncated", truncated}};
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace toptheta::eval_detail
