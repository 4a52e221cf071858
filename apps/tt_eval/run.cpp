// tt-eval run: policies x tasks -> one report.
#include <fmt/format.h>

#include <exception>
#include <filesystem>

#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "common/strict.hpp"
#include "core/error.hpp"
#include "eval/chat.hpp"
#include "eval/runner.hpp"
#include "report/format.hpp"
#include "report/json.hpp"
#include "sweep/gate.hpp"
#include "sweep/unfinished_run.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/dry_run.hpp"
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
  std::filesystem::path json;  // the result once more; empty: not
  std::filesystem::path log_samples;
  std::filesystem::path samples;
  std::filesystem::path output;
  std::vector<Condition> conditions;
  bool resume = false;
};

RunPlan resolve(const RunFlags& flags, Session& session) {
  RunPlan plan;
  plan.conditions = parse_conditions(flags.fail_if);
  plan.resume = flags.resume;
  plan.policies = resolve_policies(flags.policies);
  plan.thresholds = flags.policies.thresholds;
  plan.output = flags.output;
  if (plan.resume && plan.output.empty())
    throw UsageError({.where = "--resume",
                      .what = "has no file from which to continue",
                      .expected = "-o FILE: finished tasks are kept next to it"});
  plan.format = flags.format.value_or(result_format_of(plan.output));
  if (flags.overview) plan.detail = Detail::overview;
  plan.evaluation = evaluation_options(flags, session.seed);
  plan.chat = flags.chat;
  plan.json = flags.json;
  plan.log_samples = flags.log_samples;
  plan.samples = flags.samples;
  for (const std::filesystem::path& path : {plan.json, plan.log_samples, plan.samples})
    require_writable(path);
  plan.task_options = task_options(flags, session.seed);
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
  for (const TaskSource& task : plan.tasks) {
    require_distinct(plan.json, task.path, "--json");
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
  formats.reserve(tasks.size());
  for (const Task& task : tasks)
    formats.push_back(task.format);
  for (auto task = tasks.begin(); task != tasks.end(); ++task) {
    const auto first = std::ranges::find_if(tasks, [&task](const Task& other) {
      return other.sha256 == task->sha256 && other.format == task->format;
    });
    if (first != task)
      session.console.warn(fmt::format("{} is the same task as {}", task->path, first->path), "");
  }
  require_all_described(plan.library, formats);
  require_generation(flags, tasks);
  return tasks;
}

// A run under way: what it loaded, and what it has finished.
class RunJob {
 public:
  RunJob(const RunPlan& plan, const RunFlags& flags, Session& session, Results& results)
      : plan_(plan),
        session_(session),
        results_(results),
        tasks_(load_tasks(plan, flags, session)),
        thresholds_(load_thresholds(plan.thresholds, session.console)),
        model_(load_strictly(plan.model, plan.compute, plan.strict, session)) {}

  void prepare();
  [[nodiscard]] Listing dry_run();
  // Fills the results task by task, so that what was finished is there when a later one fails.
  void evaluate_all();

 private:
  void evaluate_task(const Task& task, FinishedTask& finished);
  void report(std::size_t task, SampleLog& log);
  void take_up();
  void keep() const;

  const RunPlan& plan_;
  Session& session_;
  Results& results_;
  std::vector<Task> tasks_;
  std::vector<ThresholdFile> thresholds_;
  LanguageModel model_;
  std::vector<PolicyPlan> policies_;
  std::vector<TaskCheck> checks_;  // of the tasks
  std::vector<FinishedTask> finished_;
  std::string origin_;
};

void RunJob::prepare() {
  if (plan_.evaluation.generation.sampling.asked())
    tell_notes(model_.generation.notes, plan_.strict, session_);
  if (plan_.chat.chat)
    for (Task& task : tasks_)
      task = as_chat(std::move(task), model_, plan_.chat.system);
  const ModelConfig& config = model_.transformer.config();
  const std::int64_t context = plan_.evaluation.context > 0 ? plan_.evaluation.context : config.context;
  const std::vector<Policy> policies = with_every_k(plan_.policies, thresholds_);
  policies_ = plan_policies(policies, thresholds_, config.shape, context);
  warn_of_idle_tables(policies, thresholds_, session_.console);
  warn_of_long_rows(policies_, thresholds_, context, session_.console);
  warn_of_kept_ends(policies_, thresholds_, session_.console);
  for (const Task& task : tasks_)
    checks_.push_back(check_fits(task, model_, plan_.evaluation, session_.console));
  results_ = {
      config.name,     model_.sha256, config.shape, {}, provenance_of(plan_, model_, tasks_, session_),
      session_.threads};
  origin_ = json_of(results_.provenance).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Listing RunJob::dry_run() {
  DryRun dry("run", session_);
  dry.use(model_.transformer, plan_.evaluation.kv);
  for (std::size_t t = 0; t < tasks_.size(); ++t)
    dry.add_task(tasks_[t], checks_[t], plan_.evaluation, policies_);
  return dry.listing();
}

// What an earlier run of the same origin has finished.
void RunJob::take_up() {
  if (!plan_.resume) return;
  finished_ = read_unfinished(unfinished_path(plan_.output), origin_, results_.shape);
  for (std::size_t t = 0; t < finished_.size(); ++t)
    if (t >= tasks_.size() || finished_[t].runs.size() != policies_.size())
      throw InputError(
          {.where = unfinished_path(plan_.output).string(), .what = "is damaged", .next = "remove it"});
  if (!finished_.empty())
    session_.console.note(fmt::format("{} of {} tasks are finished", finished_.size(), tasks_.size()));
}

void RunJob::keep() const {
  // The last task's end is that of the run.
  if (plan_.output.empty() || finished_.size() == tasks_.size()) return;
  write_output(unfinished_path(plan_.output), unfinished_text(origin_, finished_));
}

void RunJob::evaluate_task(const Task& task, FinishedTask& finished) {
  SampleLog log(plan_.log_samples, plan_.samples, policies_);
  EvaluationOptions options = plan_.evaluation;
  options.progress = [&](std::int64_t done, std::int64_t total, std::string_view unit) {
    session_.console.progress(task.name, done, total, std::string(unit));
  };
  if (log.is_wanted()) options.on_sample = [&log](const Sample& sample) { log.add(sample); };
  finished.runs = evaluate(model_, policies_, task, options);
  log.finish_task();
  finished.log = log.log();
  finished.completions = log.completions();
}

// The task's results and lines join those of the run.
void RunJob::report(std::size_t task, SampleLog& log) {
  const FinishedTask& finished = finished_[task];
  log.add(finished.log, finished.completions);
  for (std::size_t p = 0; p < policies_.size(); ++p) {
    RunResult run = finished.runs[p];
    run.policy = policies_[p].record;
    run.task = task_record(tasks_[task]);
    results_.runs.push_back(std::move(run));
  }
}

void RunJob::evaluate_all() {
  take_up();
  SampleLog log(plan_.log_samples, plan_.samples, policies_);
  std::exception_ptr failure;
  for (std::size_t t = 0; t < tasks_.size() && !failure; ++t) {
    try {
      if (t >= finished_.size()) {
        FinishedTask finished;
        evaluate_task(tasks_[t], finished);
        finished_.push_back(std::move(finished));
        keep();
      }
      report(t, log);
    } catch (...) {
      if (results_.runs.empty()) throw;
      failure = std::current_exception();
    }
  }
  for (const std::string& note : log.write())
    session_.console.note(note);
  if (failure) std::rethrow_exception(failure);
}

void write_results(const RunPlan& plan, const Results& results) {
  write_output(plan.output, format_results(results, plan.format, layout_of(plan.output, plan.detail)));
  if (!plan.json.empty()) write_output(plan.json, format_results(results, find_result_format("json")));
}

void write_finished(const RunPlan& plan, const Results& results, Session& session) {
  write_results(plan, results);
  session.console.note(fmt::format("{} holds the results of the finished tasks",
                                   plan.output.empty() ? "standard output" : plan.output.string()));
}

class RunCommand : public Command {
 public:
  void declare(CLI::App& app) override { declare_run(app, flags_); }
  void run(Session& session) override {
    session.wait_passively();
    const RunPlan plan = resolve(flags_, session);
    Results results;
    RunJob job(plan, flags_, session, results);
    try {
      job.prepare();
      if (flags_.dry_run)
        return write_output(plan.output, format_listing(job.dry_run(), plan.format, layout_of(plan.output)));
      job.evaluate_all();
    } catch (...) {
      session.console.finish();
      if (!results.runs.empty()) write_finished(plan, results, session);
      throw;
    }
    session.console.finish();
    write_results(plan, results);
    std::error_code ignored;
    if (!plan.output.empty()) std::filesystem::remove(unfinished_path(plan.output), ignored);
    if (!plan.conditions.empty()) require_passed(failures_of(plan.conditions, cells_of(results), nullptr));
  }

 private:
  RunFlags flags_;
};

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace toptheta::app
