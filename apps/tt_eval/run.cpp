// tt-eval run: policies x tasks -> one report.
#include <fmt/format.h>

#include <optional>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "eval/runner.hpp"
#include "report/format.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/policy_plans.hpp"
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

namespace {

struct RunFlags {
  std::string model{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  bool strict = false;
  std::vector<std::string> tasks{};
  std::vector<std::string> task_files{};
  std::int64_t limit = 0;
  std::int64_t few_shot = 0;
  std::string few_shot_file{};
  bool few_shot_random = false;
  PolicyFlags policies{};
  Phase phase = Phase::prefill;
  std::int64_t context = 0;
  std::int64_t ppl_chunk = 0;
  bool overview = false;
  std::optional<ResultFormat> format{};
  std::string output{};
};

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
  ResultFormat format = ResultFormat::table;
  Detail detail = Detail::full;
  std::filesystem::path output;
};

RunPlan resolve(const RunFlags& flags, Session& session) {
  RunPlan plan;
  plan.policies = resolve_policies(flags.policies);
  plan.thresholds = flags.policies.thresholds;
  plan.output = flags.output;
  plan.format = flags.format.value_or(result_format_of(plan.output));
  if (flags.overview) plan.detail = Detail::overview;
  plan.evaluation.phase = flags.phase;
  plan.evaluation.kv = flags.kv;
  plan.evaluation.context = flags.context;
  plan.evaluation.ppl_chunk = flags.ppl_chunk;
  if (flags.limit > 0) plan.task_options.limit = flags.limit;
  plan.task_options.few_shot = flags.few_shot;
  plan.task_options.few_shot_file = flags.few_shot_file;
  if (!flags.few_shot_file.empty() && flags.few_shot == 0)
    throw UsageError({.where = "--few-shot-file",
                      .what = "given without a number of examples",
                      .next = "give --few-shot N"});
  if (flags.few_shot_random) plan.task_options.few_shot_seed = session.seed;
  if (!flags.model.empty() && flags.tasks.empty())
    throw UsageError({.where = "--model",
                      .what = "needs a task to be evaluated on",
                      .next = "give --task FILE: a text (.txt) or a data set (JSON Lines)"});
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

Results evaluate_all(const RunPlan& plan, Session& session) {
  std::vector<Task> tasks;
  for (const TaskSource& source : plan.tasks) {
    tasks.push_back(load_task_source(source, plan.library, plan.task_options));
    for (const std::string& note : tasks.back().notes)
      session.console.note(note);
  }
  require_used(plan.library, tasks);
  const std::vector<ThresholdFile> thresholds = load_thresholds(plan.thresholds);
  LanguageModel model = load_language_model(plan.model, plan.compute);
  tell_unused(model.transformer.config(), plan.strict, session);
  const ModelConfig& config = model.transformer.config();
  const std::int64_t context = plan.evaluation.context > 0 ? plan.evaluation.context : config.context;
  const std::vector<PolicyPlan> policies = plan_policies(plan.policies, thresholds, config.shape, context);

  warn_of_long_rows(policies, thresholds, context, session.console);

  Results results{config.name,    model.sha256, config.shape, {}, provenance_of(plan, model, tasks, session),
                  session.threads};
  for (const Task& task : tasks) {
    EvaluationOptions options = plan.evaluation;
    options.progress = [&](std::int64_t done, std::int64_t total) {
      session.console.progress(task.name, done, total, "examples");
    };
    for (RunResult& result : evaluate(model, policies, task, options))
      results.runs.push_back(std::move(result));
  }
  return results;
}

class RunCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override {
    session.wait_passively();
    const RunPlan plan = resolve(flags_, session);
    const Results results = evaluate_all(plan, session);
    session.console.finish();
    write_output(plan.output, format_results(results, plan.format, plan.detail));
  }

 private:
  RunFlags flags_;
};

void RunCommand::declare(CLI::App& app) {
  const auto count = [&app](const char* name, std::int64_t& value, const char* description,
                            const char* group) {
    app.add_option(name, value, description)
        ->type_name("N")
        ->check(non_negative())
        ->capture_default_str()
        ->group(group);
  };
  const char* protocol = "Protocol";
  declare_model(app, flags_.model);
  declare_compute(app, flags_.compute);
  declare_kv(app, flags_.kv);
  declare_strict(app, flags_.strict);
  app.add_option("--task", flags_.tasks,
                 "Texts (.txt; a directory of them is one task) or data sets (JSON Lines, recognised by "
                 "their fields, or named: arc:FILE; tt-eval tasks lists the names); "
                 "the embedded ones if no model is given")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_option(
         "--task-file", flags_.task_files,
         "Describes a data set of your own (docs/tasks.md); goes before those that come with the program")
      ->type_name("FILE.toml")
      ->group(kInputGroup);
  count("--limit", flags_.limit, "Only the first so many examples of each task; 0 = all", kInputGroup);
  count("--few-shot", flags_.few_shot, "Solved examples before each example", kInputGroup);
  app.add_option(
         "--few-shot-file", flags_.few_shot_file,
         "Take them from this file; by default from where the task says (mmlu), else from the same file")
      ->type_name("FILE")
      ->group(kInputGroup);
  app.add_flag("--few-shot-random", flags_.few_shot_random,
               "Draw them by --seed rather than taking the first")
      ->group(kInputGroup);
  declare_policies(app, flags_.policies);
  add_choice(app, "--phase", flags_.phase,
             "prefill = whole sequences at once; decode = token by token through the KV cache")
      ->group(protocol);
  count("--context", flags_.context, "Tokens the model sees at once; 0 = the model's own limit", protocol);
  count("--ppl-chunk", flags_.ppl_chunk,
        "Also perplexity by the chunked protocol (llama-perplexity), windows of so many tokens; 0 = no",
        protocol);
  add_choice(app, "--format", flags_.format, "Default: by the ending of -o, else a table")
      ->group(kOutputGroup);
  app.add_flag("--overview", flags_.overview,
               "Several tasks: only the one table over all of them, not one for each (table and md)")
      ->group(kOutputGroup);
  declare_output(app, flags_.output, "Write here instead of standard output");
}

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace toptheta::app
