// The common beginning of commands that evaluate one policy in many variants: tasks, model, protocol.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "common/session.hpp"
#include "eval/runner.hpp"
#include "model/language_model.hpp"
#include "sweep/read_cells.hpp"
#include "tasks/task.hpp"
#include "tt_eval/run_flags.hpp"

namespace toptheta::app {

struct EvaluationSetup {
  std::filesystem::path model_path;
  std::vector<Task> tasks;
  std::vector<TaskCheck> checks;  // of the tasks
  LanguageModel model;
  EvaluationOptions options;
  std::int64_t context = 0;  // tokens that the model sees at once

  [[nodiscard]] const ModelConfig& config() const { return model.transformer.config(); }
  [[nodiscard]] std::int64_t longest() const;  // tokens of the longest sequence of all tasks
};

// Reads the tasks of the flags (the embedded ones if there is no model) and checks them against the model.
// Throws as tt-eval run does.
EvaluationSetup load_evaluation(const RunFlags& flags, Session& session);

// The one policy other than dense that --attention asks for; `usual` if it asks for none. Throws UsageError
// for more than one.
Policy single_policy(const RunFlags& flags, const std::string& usual, const std::string& command);

// Results of one task, in the form for comparisons.
std::vector<CellResult> cells_of_runs(const EvaluationSetup& setup, std::vector<RunResult> runs);

// Model, tasks and tables.
Provenance provenance_of(const EvaluationSetup& setup, const std::vector<std::string>& thresholds,
                         const Session& session);

}  // namespace toptheta::app
