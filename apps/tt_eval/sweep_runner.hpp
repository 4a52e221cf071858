// Evaluates the cells of a sweep: a model is loaded once, several policies share a dense pass, and each cell
// is written to its file as soon as it is finished.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/session.hpp"
#include "eval/result.hpp"
#include "model/language_model.hpp"
#include "tasks/task_file.hpp"
#include "tt_eval/dry_run.hpp"
#include "tt_eval/sweep_cells.hpp"

namespace toptheta::app {

struct SweepFailure {
  std::string cell;
  std::string reason;
};

// Cells that share model, task and protocol.
struct SweepGroup {
  std::vector<const SweepCell*> cells;  // those of this process's share that must be run
  bool has_dense = false;               // anywhere in the sweep; then dense is the reference of every policy
  std::shared_ptr<const Task> task{};   // once loaded
};

class SweepRunner {
 public:
  // `all` is the whole sweep, and `own` holds the indexes of this process's cells. All must outlive this
  // object.
  SweepRunner(const std::vector<SweepCell>& all, std::span<const std::size_t> own,
              const ThresholdFiles& tables, std::filesystem::path directory, Session& session);

  // Reads tasks and digests, and finds finished cells. Throws InputError for a file that is a cell of another
  // sweep, before anything is run.
  void prepare();
  // Runs the remaining cells. A cell that fails is added to failures() and does not stop the others. Throws
  // UnfinishedError where a cell cannot be written, because the next one could not be either.
  void run();

  // Estimates what run() would do, instead of running it.
  void estimate(DryRun& dry, const SweepGroup& group);

  [[nodiscard]] const std::vector<SweepFailure>& failures() const { return failures_; }
  [[nodiscard]] std::size_t found() const { return found_; }  // cells that were already finished
  [[nodiscard]] const std::vector<SweepGroup>& groups() const { return groups_; }
  // The model of the group, loaded unless it is the current one. Throws InputError.
  LanguageModel& model_of(const SweepGroup& group);

 private:
  void prepare(SweepGroup& group);
  void run(SweepGroup& group);
  // Evaluates cells that can share one call of evaluate().
  void run(const SweepGroup& group, std::span<const SweepCell* const> cells);
  void evaluate_cells(const SweepGroup& group, std::span<const SweepCell* const> cells,
                      const std::vector<PolicyPlan>& plans);
  [[nodiscard]] Results header_of(const SweepGroup& group, const SweepCell& cell);
  [[nodiscard]] std::vector<ThresholdFile> tables_of(const SweepCell& cell) const;
  const std::string& digest_of(const std::filesystem::path& path);
  void fail(const SweepCell& cell, const std::string& reason);
  void advance(double cells, bool whole);

  const ThresholdFiles& tables_;
  std::filesystem::path directory_;
  Session& session_;
  std::vector<TaskDefinition> library_;
  std::vector<SweepGroup> groups_;
  std::vector<SweepFailure> failures_;
  std::map<std::string, std::string> digests_;
  std::map<std::string, bool> warned_;
  std::unique_ptr<LanguageModel> model_;
  std::string model_key_;
  std::size_t total_ = 0;
  std::size_t found_ = 0;
  double done_ = 0;
};

}  // namespace toptheta::app
