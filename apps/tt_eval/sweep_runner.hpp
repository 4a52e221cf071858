// The cells of a sweep, evaluated: one load of a model, the dense pass shared by several policies, a file for
// each cell as soon as it is there.
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
  std::vector<const SweepCell*> cells;  // of this process's share, those that are to be made
  bool has_dense = false;               // anywhere in the sweep: then it is every policy's reference
  std::shared_ptr<const Task> task{};   // once loaded
};

class SweepRunner {
 public:
  // `all`: the whole sweep, of which `own` are this process's, by their indexes. All must outlive this.
  SweepRunner(const std::vector<SweepCell>& all, std::span<const std::size_t> own,
              const ThresholdFiles& tables, std::filesystem::path directory, Session& session);

  // Reads tasks and digests, and takes finished cells for done. Throws InputError for a file that is the cell
  // of another sweep: nothing has been run by then.
  void prepare();
  // Runs what is left. Each cell that fails is among failures() and stops no other.
  void run();

  // What run() would do, instead of it.
  void estimate(DryRun& dry, const SweepGroup& group);

  [[nodiscard]] const std::vector<SweepFailure>& failures() const { return failures_; }
  [[nodiscard]] std::size_t found() const { return found_; }  // cells that were finished already
  [[nodiscard]] const std::vector<SweepGroup>& groups() const { return groups_; }
  // The group's model, loaded unless it is the one at hand. Throws InputError.
  LanguageModel& model_of(const SweepGroup& group);

 private:
  void prepare(SweepGroup& group);
  void run(SweepGroup& group);
  // Those that evaluate() can be asked for together.
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
