#include "eval/runner.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "eval/runner_internal.hpp"

namespace toptheta {

namespace {

void require_context(const LanguageModel& model, const EvaluationOptions& options) {
  const std::int64_t limit = model.transformer.config().context;
  if (options.context < 0 || options.context > limit)
    throw UsageError({.where = "--context",
                      .what = "not a context length of this model",
                      .expected = fmt::format("1 to {} tokens", limit),
                      .found = fmt::format("{}", options.context)});
}

}  // namespace

TaskRecord task_record(const Task& task) {
  return {task.name, std::string(name_of(task.kind())), task.size(), task.sha256, task.format};
}

TaskCheck check_task(const LanguageModel& model, const Task& task, const EvaluationOptions& options) {
  require_context(model, options);
  switch (task.kind()) {
    case TaskKind::text:
      return eval_detail::check_texts(model, task, options);
    case TaskKind::multiple_choice:
      return eval_detail::check_questions(model, task, options);
    case TaskKind::continuation:
      return eval_detail::check_continuations(model, task, options);
    case TaskKind::generation:
      return eval_detail::check_prompts(model, task, options);
  }
  return {};
}

std::vector<RunResult> evaluate(LanguageModel& model, const std::vector<PolicyPlan>& policies,
                                const Task& task, const EvaluationOptions& options) {
  require_context(model, options);
  switch (task.kind()) {
    case TaskKind::text:
      return eval_detail::evaluate_texts(model, policies, task, options);
    case TaskKind::multiple_choice:
      return eval_detail::evaluate_questions(model, policies, task, options);
    case TaskKind::continuation:
      return eval_detail::evaluate_continuations(model, policies, task, options);
    case TaskKind::generation:
      return eval_detail::evaluate_prompts(model, policies, task, options);
  }
  return {};
}

}  // namespace toptheta
