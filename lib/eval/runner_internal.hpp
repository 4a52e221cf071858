// Internal to lib/eval: what the runners of the four kinds of task share.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "eval/runner.hpp"
#include "tasks/requests.hpp"

namespace toptheta::eval_detail {

inline std::int64_t context_of(const LanguageModel& model, const EvaluationOptions& options) {
  return options.context > 0 ? options.context : model.transformer.config().context;
}

// One session per policy, with their caches.
class Sessions {
 public:
  // `capacity` is the number of tokens of the longest sequence. If `shared`, policies take turns, example by
  // example, so that those with the same prefilter can share a cache.
  Sessions(LanguageModel& model, const std::vector<PolicyPlan>& policies, std::int64_t capacity, bool shared,
           const EvaluationOptions& options) {
    std::map<Prefilter, KvCache*> common;
    for (const PolicyPlan& plan : policies) {
      const Prefilter prefilter = plan.policy.policy().prefilter;
      KvCache*& cache = common[prefilter];
      if (cache == nullptr || !shared) {
        caches_.push_back(model.transformer.new_cache(capacity, prefilter, options.kv));
        cache = &caches_.back();
      }
      sessions_.emplace_back(model.transformer, plan.policy, *cache, options.phase,
                             Counting{options.tile, options.output_error});
    }
  }
  PolicySession& operator[](std::size_t policy) { return sessions_[policy]; }
  const PolicySession& operator[](std::size_t policy) const { return sessions_[policy]; }
  auto begin() { return sessions_.begin(); }
  auto end() { return sessions_.end(); }

 private:
  std::deque<KvCache> caches_;
  std::deque<PolicySession> sessions_;
};

// Tokenizes a context and its continuation, and cuts the context on the left so that at most `context` ids
// are fed. Counts in `truncated` the contexts that were cut. Errors name `place`.
inline TokenPair encode_example(const LanguageModel& model, std::string_view context_text,
                                std::string_view continuation, std::int64_t context, const std::string& place,
                                std::int64_t& truncated) {
  try {
    TokenPair pair = encode_pair(model.tokenizer, context_text, continuation, start_token(model));
    const std::size_t whole = pair.ids.size();
    fit_context(pair, context);
    if (pair.ids.size() < whole) ++truncated;
    return pair;
  } catch (const InputError& error) {
    if (place.empty()) throw;
    Problem problem = error.problem();
    problem.where = problem.where.empty() ? place : place + ": " + problem.where;
    throw InputError(problem);
  }
}

inline void report_progress(const EvaluationOptions& options, std::int64_t done, std::int64_t total,
                            std::string_view unit = "examples") {
  if (options.progress) options.progress(done, total, unit);
}

// A result with everything filled in but metrics, samples and counts.
inline RunResult start_result(const PolicyPlan& plan, const Task& task, Phase phase,
                              const AttentionCounts& sparsity, double forward_seconds) {
  RunResult result;
  result.policy = plan.record;
  result.task = task_record(task);
  result.phase = phase;
  result.sparsity = sparsity;
  result.seconds = {{"forward", forward_seconds}};
  return result;
}

std::vector<RunResult> evaluate_texts(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                      const Task& task, const EvaluationOptions& options);
std::vector<RunResult> evaluate_questions(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                          const Task& task, const EvaluationOptions& options);
std::vector<RunResult> evaluate_continuations(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                              const Task& task, const EvaluationOptions& options);
std::vector<RunResult> evaluate_prompts(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                        const Task& task, const EvaluationOptions& options);

TaskCheck check_texts(const LanguageModel& model, const Task& task, const EvaluationOptions& options);
TaskCheck check_questions(const LanguageModel& model, const Task& task, const EvaluationOptions& options);
TaskCheck check_continuations(const LanguageModel& model, const Task& task, const EvaluationOptions& options);
TaskCheck check_prompts(const LanguageModel& model, const Task& task, const EvaluationOptions& options);

}  // namespace toptheta::eval_detail
