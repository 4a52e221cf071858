// tt-eval run: policies x tasks -> one report.
#include <fmt/format.h>

#include <exception>

#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "eval/chat.hpp"
#include "eval/runner.hpp"
#include "report/format.hpp"
#include "report/json.hpp"
#include "sweep/gate.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/gate_flag.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/policy_plans.hpp"
#include "tt_eval/run_flags.hpp"
#include "tt_eval/sample_log.hpp"
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

namespace {

struct RunPlan {
  std::filesystem::path model;
  Compute compute = Compute::f32;
  bool strict = false;
  std::vector<TaskDefinition> library;
  std::vector<TaskSource> tasks;  // into the library
  TaskOptions task_options;
  std::vector<Policy> policies;
  std::vector<std::string> thresholds;
  EvaluationOptions evaluation;
  ChatFlags chat;
  ResultFormat format = table_format();
  Detail detail = Detail::full;
  std::filesystem::path log_samples;
  std::filesystem::path samples;
  std::filesystem::path output;
  std::vector<Condition> conditions;
};

RunPlan resolve(const RunFlags& flags, Session& session) {
  RunPlan plan;
  plan.conditions = parse_conditions(flags.fail_if);
  plan.policies = resolve_policies(flags.policies);
  plan.thresholds = flags.policies.thresholds;
  plan.output = flags.output;
  plan.format = flags.format.value_or(result_format_of(plan.output));
  if (flags.overview) plan.detail = Detail::overview;
  plan.evaluation = evaluation_options(flags, session.seed);
  plan.chat = flags.chat;
  plan.log_samples = flags.log_samples;
  plan.samples = flags.samples;
  plan.task_options = task_options(flags, session.seed);
  if (!flags.model.empty() && flags.tasks.empty())
    throw UsageError({.where = "--model",
                      .what = "needs a task to be evaluated on",
                      .next = "give --task FILE: a text (.txt) or a data set (JSON Lines)"});
  for (const std::filesystem::path& path : {plan.log_samples, plan.samples})
    require_writable(path);
  plan.library = task_library(flags.task_files);
  for (const std::string& task : flags.tasks)
    plan.tasks.push_back(task_source(task, plan.library));
  if (plan.tasks.empty())
    for (const std::filesystem::path& path : embedded_tasks())
      plan.tasks.push_back({path});
  plan.model = resolve_model(flags.model, session);
  plan.compute = resolve_compute(flags.compute, session);
  plan.strict = flags.strict;
  for (const TaskSource& task : plan.tasks)
    require_distinct(plan.output, task.path, "-o");
  for (const auto& table : plan.thresholds)
    require_distinct(plan.output, table, "-o");
  for (const TaskSource& task : plan.tasks) {
    require_distinct(plan.log_samples, task.path, "--log-samples");
    require_distinct(plan.samples, task.path, "--samples");
  }
  return plan;
}

Provenance provenance_of(const RunPlan& plan, const LanguageModel& model, const std::vector<Task>& tasks,
                         const Session& session) {
  Provenance provenance = session.provenance_of({plan.thresholds.begin(), plan.thresholds.end()});
  provenance.inputs.insert(provenance.inputs.begin(), InputFile{plan.model.string(), model.sha256});
  for (const Task& task : tasks) {
    provenance.inputs.push_back({task.path, task.sha256});
    provenance.inputs.insert(provenance.inputs.end(), task.inputs.begin(), task.inputs.end());
  }
  return provenance;
}

std::vector<Task> load_tasks(const RunPlan& plan, const RunFlags& flags, Session& session) {
  std::vector<Task> tasks;
  for (const TaskSource& source : plan.tasks) {
    tasks.push_back(load_task_source(source, plan.library, plan.task_options));
    const Task& task = tasks.back();
    for (const std::string& note : task.notes)
      session.console.note(note);
    if (task.answer && task.answer->matches.empty() && plan.samples.empty())
      session.console.note(
          fmt::format("{}: completions are not scored here; --samples FILE.jsonl writes them", task.path));
  }
  std::vector<std::string> formats;
  for (const Task& task : tasks)
    formats.push_back(task.format);
  require_all_described(plan.library, formats);
  require_generation(flags, tasks);
  return tasks;
}

// Fills `results` task by task, so that what was finished is there when a later one fails.
void evaluate_all(const RunPlan& plan, const RunFlags& flags, Session& session, Results& results) {
  std::vector<Task> tasks = load_tasks(plan, flags, session);
  const std::vector<ThresholdFile> thresholds = load_thresholds(plan.thresholds);
  LanguageModel model = load_strictly(plan.model, plan.compute, plan.strict, session);
  if (plan.evaluation.generation.sampling.asked()) tell_notes(model.generation.notes, plan.strict, session);
  if (plan.chat.chat)
    for (Task& task : tasks)
      task = as_chat(std::move(task), model, plan.chat.system);
  const ModelConfig& config = model.transformer.config();
  const std::int64_t context = plan.evaluation.context > 0 ? plan.evaluation.context : config.context;
  const std::vector<PolicyPlan> policies =
      plan_policies(with_every_k(plan.policies, thresholds), thresholds, config.shape, context);

  warn_of_long_rows(policies, thresholds, context, session.console);
  warn_of_kept_ends(policies, thresholds, session.console);
  for (const Task& task : tasks)
    check_fits(task, model, plan.evaluation, session.console);

  results = {config.name,    model.sha256, config.shape, {}, provenance_of(plan, model, tasks, session),
             session.threads};
  SampleLog log(plan.log_samples, plan.samples, policies);
  std::exception_ptr failure;
  try {
    for (const Task& task : tasks) {
      EvaluationOptions options = plan.evaluation;
      options.progress = [&](std::int64_t done, std::int64_t total, std::string_view unit) {
        session.console.progress(task.name, done, total, std::string(unit));
      };
      if (log.is_wanted()) options.on_sample = [&log](const Sample& sample) { log.add(sample); };
      for (RunResult& result : evaluate(model, policies, task, options))
        results.runs.push_back(std::move(result));
      log.finish_task();
    }
  } catch (...) {
    if (results.runs.empty()) throw;
    failure = std::current_exception();
  }
  for (const std::string& note : log.write())
    session.console.note(note);
  if (failure) std::rethrow_exception(failure);
}

void write_finished(const RunPlan& plan, const Results& results, Session& session) {
  write_output(plan.output, format_results(results, plan.format, layout_of(plan.output, plan.detail)));
  session.console.note(fmt::format("{} holds the tasks that were finished",
                                   plan.output.empty() ? "standard output" : plan.output.string()));
}

class RunCommand : public Command {
 public:
  void declare(CLI::App& app) override { declare_run(app, flags_); }
  void run(Session& session) override {
    session.wait_passively();
    const RunPlan plan = resolve(flags_, session);
    Results results;
    try {
      evaluate_all(plan, flags_, session, results);
    } catch (...) {
      session.console.finish();
      if (!results.runs.empty()) write_finished(plan, results, session);
      throw;
    }
    session.console.finish();
    write_output(plan.output, format_results(results, plan.format, layout_of(plan.output, plan.detail)));
    if (!plan.conditions.empty())
      require_passed(failures_of(plan.conditions, parse_results(format_json(results), "run"), nullptr));
  }

 private:
  RunFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace toptheta::app
