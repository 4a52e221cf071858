// --dry-run: what a command would run, how long that takes, and the memory it needs.
#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/session.hpp"
#include "eval/probe.hpp"
#include "eval/runner.hpp"
#include "report/format.hpp"
#include "tasks/task.hpp"

namespace toptheta::app {

void declare_dry_run(CLI::App& app, bool& dry_run);

// Collects what would run. Times follow from the operations that the tokens cost, and from a probe under each
// policy.
class DryRun {
 public:
  DryRun(std::string command, Session& session) : command_(std::move(command)), session_(session) {}

  // Later calls refer to this model, which must outlive them.
  void use(Transformer& model, KvType kv);

  // The examples of a task under these policies, side by side. `names` name the rows; if empty, the task
  // does.
  void add_task(const Task& task, const TaskCheck& check, const EvaluationOptions& options,
                std::span<const PolicyPlan> policies, std::span<const std::string> names = {});
  // Tokens fed whole and one by one, `times` over.
  void add(const std::string& name, const std::string& what, const ResolvedPolicy& policy,
           const FedTokens& whole, const FedTokens& single, std::int64_t longest, double times = 1);
  // Bytes needed at the same time, in addition to those of the model.
  void hold(double bytes);

  // The rows, and a sentence with the total time; schema "toptheta.dry-run/1".
  [[nodiscard]] Listing listing() const;

 private:
  struct Row {
    std::string name;
    std::string what;
    std::string policy;
    double tokens = 0;
    double flops = 0;
    double seconds = 0;
  };
  // Adds to the row what these tokens cost.
  void count(Row& row, const ResolvedPolicy& policy, Phase phase, const FedTokens& fed, std::int64_t longest,
             double times);

  std::string command_;
  Session& session_;
  Transformer* model_ = nullptr;
  KvType kv_ = KvType::f32;
  double weights_ = 0;
  std::vector<Row> rows_;
  std::map<std::string, SpeedProbe> probes_;  // by policy and phase, of the model
  std::int64_t probed_ = 0;                   // tokens of the longest probe
  double held_ = 0;
};

}  // namespace toptheta::app
