// What a run writes besides its results: every example under every policy, and completions for scorers.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "eval/runner.hpp"

namespace toptheta::app {

class SampleLog {
 public:
  // Empty paths: not asked for. `policies` must outlive this.
  SampleLog(std::filesystem::path log, std::filesystem::path completions,
            const std::vector<PolicyPlan>& policies)
      : log_path_(std::move(log)), completions_path_(std::move(completions)), policies_(policies) {}

  [[nodiscard]] bool is_wanted() const { return !log_path_.empty() || !completions_path_.empty(); }
  void add(const Sample& sample);
  // The examples added since the last call are of a task that is done. Those of a task that failed half way
  // are not written.
  void finish_task();
  // What was added so far, and all of it from elsewhere: the lines, and those of each policy's completions.
  [[nodiscard]] const std::string& log() const { return log_; }
  [[nodiscard]] const std::vector<std::string>& completions() const { return completions_; }
  void add(const std::string& log, const std::vector<std::string>& completions);
  // Writes the files: --log-samples one line per example and policy (docs/formats.md); --samples HumanEval's
  // form, {"task_id", "completion"}, in one file for each policy where there are several. Returns what a user
  // should know.
  [[nodiscard]] std::vector<std::string> write() const;

 private:
  std::filesystem::path log_path_;
  std::filesystem::path completions_path_;
  const std::vector<PolicyPlan>& policies_;
  std::string log_;
  std::vector<std::string> completions_;  // of each policy
  std::string pending_log_;
  std::vector<std::string> pending_completions_;
};

}  // namespace toptheta::app
