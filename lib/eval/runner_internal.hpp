// What the runners of the three kinds of task share. Only lib/eval includes this.
#pragma once
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "eval/runner.hpp"
#include "tasks/requests.hpp"

namespace toptheta::eval_detail {

// Sessions are neither copied nor moved.
using Sessions = std::deque<PolicySession>;

inline std::int64_t context_of(const LanguageModel& model, const EvaluationOptions& options) {
  return options.context > 0 ? options.context : model.transformer.config().context;
}

inline Sessions make_sessions(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                              std::int64_t context, const EvaluationOptions& options) {
  Sessions sessions;
  for (const PolicyPlan& plan : policies)
    sessions.emplace_back(model.transformer, plan.policy, context, options.phase, options.kv, options.tile);
  return sessions;
}

// A context and continuation as ids that fit the model: fed are at most `context` of them.
inline TokenPair encode_example(const LanguageModel& model, std::string_view context_text,
                                std::string_view continuation, std::int64_t context) {
  TokenPair pair = encode_pair(model.tokenizer, context_text, continuation, start_token(model));
  fit_context(pair, context);
  return pair;
}

inline void report_progress(const EvaluationOptions& options, std::int64_t done, std::int64_t total) {
  if (options.progress) options.progress(done, total);
}

// Filled in but for metrics and counts.
inline RunResult start_result(const PolicyPlan& plan, const Task& task, Phase phase,
                              const AttentionCounts& sparsity, double forward_seconds) {
  RunResult result;
  result.policy = plan.record;
  result.task = {task.name, std::string(name_of(task.kind())), task.size(), task.sha256};
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

}  // namespace toptheta::eval_detail
