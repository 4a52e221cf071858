#include "tt_eval/evaluation_setup.hpp"

#include <algorithm>

#include "common/strict.hpp"
#include "core/error.hpp"
#include "eval/chat.hpp"
#include "tt_eval/model_flags.hpp"
#include "tt_eval/task_files.hpp"

namespace toptheta::app {

std::int64_t EvaluationSetup::longest() const {
  std::int64_t longest = 1;
  for (const TaskCheck& check : checks)
    longest = std::max(longest, check.longest);
  return longest;
}

EvaluationSetup load_evaluation(const RunFlags& flags, Session& session) {
  const std::vector<TaskDefinition> library = task_library(flags.task_files);
  const TaskOptions reading = task_options(flags, session.seed);
  EvaluationOptions options = evaluation_options(flags, session.seed);
  std::vector<Task> tasks;
  if (!flags.model.empty() && flags.tasks.empty())
    throw UsageError({.where = "--model",
                      .what = "needs a task to be evaluated on",
                      .next = "give --task FILE: a text (.txt) or a data set (JSON Lines)"});
  std::vector<TaskSource> sources;
  sources.reserve(flags.tasks.size());
  for (const std::string& task : flags.tasks)
    sources.push_back(task_source(task, library));
  if (sources.empty())
    for (const std::filesystem::path& path : embedded_tasks())
      sources.push_back({path});
  std::vector<std::string> formats;
  for (const TaskSource& source : sources) {
    tasks.push_back(load_task_source(source, library, reading));
    formats.push_back(tasks.back().format);
    for (const std::string& note : tasks.back().notes)
      session.console.note(note);
  }
  require_all_described(library, formats);
  const std::filesystem::path path = resolve_model(flags.model, session);
  EvaluationSetup setup{path,
                        std::move(tasks),
                        {},
                        load_strictly(path, resolve_compute(flags.compute, session), flags.strict, session),
                        std::move(options)};
  if (flags.generation.sampling.asked()) tell_notes(setup.model.generation.notes, flags.strict, session);
  if (flags.chat.chat)
    for (Task& task : setup.tasks)
      task = as_chat(std::move(task), setup.model, flags.chat.system);
  for (const Task& task : setup.tasks)
    setup.checks.push_back(check_fits(task, setup.model, setup.options, session.console));
  setup.context = setup.options.context > 0 ? setup.options.context : setup.config().context;
  return setup;
}

Policy single_policy(const RunFlags& flags, const std::string& usual, const std::string& command) {
  PolicyFlags asked = flags.policies;
  if (asked.attention.empty()) asked.attention = {usual};
  std::vector<Policy> policies = resolve_policies(asked);
  std::erase_if(policies, [](const Policy& policy) { return is_dense(policy); });
  if (policies.size() == 1) return policies.front();
  throw UsageError({.where = "--attention",
                    .what = policies.empty() ? "no policy other than dense" : "more than one policy",
                    .expected = "one policy, to be compared with dense",
                    .next = "tt-eval " + command + " --attention theta:sdc=exact,vmc --thresholds theta.h5"});
}

std::vector<CellResult> cells_of_runs(const EvaluationSetup& setup, std::vector<RunResult> runs) {
  Results results;
  results.model_sha256 = setup.model.sha256;
  results.shape = setup.config().shape;
  results.runs = std::move(runs);
  return cells_of(results);
}

Provenance provenance_of(const EvaluationSetup& setup, const std::vector<std::string>& thresholds,
                         const Session& session) {
  Provenance provenance = session.provenance_of({thresholds.begin(), thresholds.end()});
  provenance.inputs.insert(provenance.inputs.begin(),
                           InputFile{setup.model_path.string(), setup.model.sha256});
  for (const Task& task : setup.tasks) {
    provenance.inputs.push_back({task.path, task.sha256});
    provenance.inputs.insert(provenance.inputs.end(), task.inputs.begin(), task.inputs.end());
  }
  return provenance;
}

}  // namespace toptheta::app
