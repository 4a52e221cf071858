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
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

namespace {

struct RunFlags {
  std::string model{};
  Compute compute = Compute::f32;
  KvType kv = KvType::f32;
  std::vector<std::string> tasks{};
  std::int64_t limit = 0;
  std::int64_t few_shot = 0;
  bool few_shot_random = false;
  PolicyFlags policies{};
  Phase phase = Phase::prefill;
  std::int64_t context = 0;
  std::int64_t ppl_chunk = 0;
  std::string tile = "128x128";
  bool overview = false;
  std::optional<ResultFormat> format{};
  std::string output{};
};

struct RunPlan {
  std::filesystem::path model;
  Compute compute = Compute::f32;
  std::vector<std::filesystem::path> tasks;
  TaskOptions task_options;
  std::vector<Policy> policies;
  std::vector<std::string> thresholds;
  EvaluationOptions evaluation;
  ResultFormat format = table_format();
  Detail detail = Detail::full;
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
  if (flags.limit > 0) plan.task_options.limit = flags.limit;
  plan.task_options.few_shot = flags.few_shot;
  if (flags.few_shot_random) plan.task_options.few_shot_seed = session.seed;
  if (!flags.model.empty() && flags.tasks.empty())
    throw UsageError({.where = "--model",
                      .what = "needs a task to be evaluated on",
                      .next = "give --task FILE: a text (.txt) or a data set (JSON Lines)"});
  plan.tasks.assign(flags.tasks.begin(), flags.tasks.end());
  if (plan.tasks.empty()) plan.tasks = embedded_tasks();
  plan.model = resolve_model(flags.model, session);
  plan.compute = resolve_compute(flags.compute, session);
  for (const auto& task : plan.tasks)
    require_distinct(plan.output, task, "-o");
  for (const auto& table : plan.thresholds)
    require_distinct(plan.output, table, "-o");
  return plan;
}

Provenance provenance_of(const RunPlan& plan, const LanguageModel& model, const std::vector<Task>& tasks,
                         const Session& session) {
  Provenance provenance = session.provenance_of({plan.thresholds.begin(), plan.thresholds.end()});
  provenance.inputs.insert(provenance.inputs.begin(), InputFile{plan.model.string(), model.sha256});
  for (const Task& task : tasks)
    provenance.inputs.push_back({task.path, task.sha256});
  return provenance;
}

Results evaluate_all(const RunPlan& plan, Session& session) {
  std::vector<Task> tasks;
  for (const auto& path : plan.tasks)
    tasks.push_back(load_task_path(path, plan.task_options));
  const std::vector<ThresholdFile> thresholds = load_thresholds(plan.thresholds);
  LanguageModel model = load_language_model(plan.model, plan.compute);
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
  app.add_option("--task", flags_.tasks,
                 "Texts (.txt; a directory of them is one task) or data sets (JSON Lines, recognised by "
                 "their fields); "
                 "the embedded ones if no model is given")
      ->type_name("FILE")
      ->group(kInputGroup);
  count("--limit", flags_.limit, "Only the first so many examples of each task; 0 = all", kInputGroup);
  count("--few-shot", flags_.few_shot, "Solved examples of the same file before each example", kInputGroup);
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
}

}  // namespace

std::unique_ptr<Command> make_run_command() {
  return std::make_unique<RunCommand>();
}

}  // namespace toptheta::app
