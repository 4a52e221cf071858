// Tasks with one right continuation (LAMBADA): its likelihood, and whether greedy decoding would have
// produced it.
#include "eval/likelihood.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta::eval_detail {

namespace {

struct ContinuationRecord {
  std::vector<double> acc;  // 1 where greedy decoding agrees
  std::vector<double> nll;  // nats per continuation
};

}  // namespace

std::vector<RunResult> evaluate_continuations(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                              const Task& task, const EvaluationOptions& options) {
  const auto& examples = std::get<std::vector<ContinuationExample>>(task.examples);
  const std::int64_t context = context_of(model, options);
  const auto vocab = static_cast<std::size_t>(model.transformer.config().vocab_size);
  Sessions sessions = make_sessions(model, policies, context, options);
  std::vector<ContinuationRecord> records(policies.size());
  std::int64_t scored = 0;
  for (std::size_t e = 0; e < examples.size(); ++e) {
    const TokenPair pair = encode_example(model, examples[e].context, examples[e].continuation, context);
    scored += static_cast<std::int64_t>(pair.ids.size()) - pair.context_tokens;
    for (std::size_t p = 0; p < policies.size(); ++p) {
      sessions[p].start();
      const Likelihood found = score(sessions[p], pair.ids, 0, pair.context_tokens, vocab);
      sessions[p].finish();
      records[p].acc.push_back(found.greedy ? 1 : 0);
      records[p].nll.push_back(-found.log_probability);
    }
    report_progress(options, static_cast<std::int64_t>(e) + 1, task.size());
  }
  std::vector<RunResult> results;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    RunResult result =
        start_result(policies[p], task, options.phase, sessions[p].totals(), sessions[p].seconds());
    result.metrics = {{"acc", mean_of(records[p].acc)}, {"continuation_nll", mean_of(records[p].nll)}};
    result.counts = {{"tokens", scored}, {"fed_tokens", sessions[p].fed_tokens()}};
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace toptheta::eval_detail
