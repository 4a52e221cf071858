// tt-eval run: policies x tasks -> one report.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/choice_flag.hpp"
#include "common/common_flags.hpp"
#include "common/format_flag.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "eval/runner.hpp"
#include "report/format.hpp"
#include "tt_eval/commands.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/policy_flags.hpp"
#include "tt_eval/policy_plans.hpp"
#include "tt_eval/sample_log.hpp"
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
  std::string tile = "128x128";
  bool overview = false;
  std::string log_samples{};
  std::string samples{};
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
  ResultFormat format = table_format();
  Detail detail = Detail::full;
  std::filesystem::path log_samples;
  std::filesystem::path samples;
  std::filesystem::path output;
};

TileSize parse_tile(const std::string& text) {
  TileSize tile;
  const char* const end = text.data() + text.size();
  const auto [cross, bad_rows] = std::from_chars(text.data(), end, tile.rows);
  const bool crossed = bad_rows == std::errc() && cross != end && *cross == 'x';
  const auto [rest, bad_keys] = std::from_chars(crossed ? cross + 1 : end, end, tile.keys);
  if (!crossed || bad_keys != std::errc() || rest != end || tile.rows < 1 || tile.keys < 1 ||
      std::max(tile.rows, tile.keys) > (1 << 20))
    throw UsageError({.where = "--tile",
                      .what = "not the size of a tile",
                      .expected = "rows x keys: 128x128",
                      .found = fmt::format("'{}'", text)});
  return tile;
}

RunPlan resolve(const RunFlags& flags, Session& session) {
  RunPlan plan;
  plan.policies = resolve_policies(flags.policies);
  plan.thresholds = flags.policies.thresholds;
  plan.output = flags.output;
  plan.format = flags.format.value_or(result_format_of(plan.output));
  if (flags.overview) plan.detail = Detail::overview;
  plan.evaluation.phase = flags.phase;
  plan.evaluation.kv = flags.kv;
  plan.evaluation.tile = parse_tile(flags.tile);
  plan.evaluation.context = flags.context;
  plan.evaluation.ppl_chunk = flags.ppl_chunk;
  plan.evaluation.seed = session.seed;
  plan.log_samples = flags.log_samples;
  plan.samples = flags.samples;
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

std::vector<Task> load_tasks(const RunPlan& plan, Session& session) {
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
  require_all_described(plan.library, tasks);
  return tasks;
}

// Whatever could stop a task half way is found before the first one runs.
void check_tasks(const std::vector<Task>& tasks, const LanguageModel& model, const EvaluationOptions& options,
                 Console& console) {
  for (const Task& task : tasks) {
    const TaskCheck check = check_task(model, task, options);
    if (check.truncated > 0)
      console.warn(
          fmt::format("{}: the contexts of {} requests are longer than the model's and lose their start",
                      task.path, check.truncated),
          "shorten them, show fewer solved examples, or take a model of longer context");
  }
}

// Fills `results` task by task, so that what was finished is there when a later one fails.
void evaluate_all(const RunPlan& plan, Session& session, Results& results) {
  const std::vector<Task> tasks = load_tasks(plan, session);
  const std::vector<ThresholdFile> thresholds = load_thresholds(plan.thresholds);
  LanguageModel model = load_language_model(plan.model, plan.compute);
  tell_unused(model, plan.strict, session);
  const ModelConfig& config = model.transformer.config();
  const std::int64_t context = plan.evaluation.context > 0 ? plan.evaluation.context : config.context;
  const std::vector<PolicyPlan> policies = plan_policies(plan.policies, thresholds, config.shape, context);

  warn_of_long_rows(policies, thresholds, context, session.console);
  check_tasks(tasks, model, plan.evaluation, session.console);

  results = {config.name,    model.sha256, config.shape, {}, provenance_of(plan, model, tasks, session),
             session.threads};
  SampleLog log(plan.log_samples, plan.samples, policies);
  for (const Task& task : tasks) {
    EvaluationOptions options = plan.evaluation;
    options.progress = [&](std::int64_t done, std::int64_t total, std::string_view unit) {
      session.console.progress(task.name, done, total, std::string(unit));
    };
    if (log.is_wanted()) options.on_sample = [&log](const Sample& sample) { log.add(sample); };
    for (RunResult& result : evaluate(model, policies, task, options))
      results.runs.push_back(std::move(result));
  }
  for (const std::string& note : log.write())
    session.console.note(note);
}

class RunCommand : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override {
    session.wait_passively();
    const RunPlan plan = resolve(flags_, session);
    Results results;
    try {
      evaluate_all(plan, session, results);
    } catch (...) {
      session.console.finish();
      if (!results.runs.empty() && !plan.output.empty()) {
        write_output(plan.output, format_results(results, plan.format, plan.detail));
        session.console.note(fmt::format("{} holds the tasks that were finished", plan.output.string()));
      }
      throw;
    }
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
  app.add_option("--tile", flags_.tile,
                 "Size of the tiles of scores, rows x keys, of which it is counted how many keep nothing; in "
                 "decode a "
                 "tile has one row")
      ->type_name("RxC")
      ->capture_default_str()
      ->group(protocol);
  count("--context", flags_.context, "Tokens the model sees at once; 0 = the model's own limit", protocol);
  count("--ppl-chunk", flags_.ppl_chunk,
        "Also perplexity by the chunked protocol (llama-perplexity), windows of so many tokens; 0 = no",
        protocol);
  add_format(app, flags_.format, "Default: by the ending of -o, else a table");
  app.add_flag("--overview", flags_.overview,
               "Several tasks: only the one table over all of them, not one for each (table and md)")
      ->group(kOutputGroup);
  declare_output(app, flags_.output, "Write here instead of standard output");
  app.add_option(
         "--log-samples", flags_.log_samples,
         "Also write a line for every example and policy: log-likelihoods, answer, hash of the prompt")
      ->type_name("FILE.jsonl")
      ->group(kOutputGroup);
  app.add_option(
         "--samples", flags_.samples,
         "Also write the completions of generation tasks in the form of HumanEval's scorer; with several "
         "policies FILE-0.jsonl, FILE-1.jsonl, ... in their order")
      ->type_name("FILE.jsonl")
      ->group(kOutputGroup);
}

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace toptheta::app
