// Additional outputs of a run: every example under every policy, and completions for scorers.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "eval/runner.hpp"

namespace toptheta::app {

class SampleLog {
 public:
  // An empty path means that the file was not requested. `policies` must outlive this object.
  SampleLog(std::filesystem::path log, std::filesystem::path completions,
            const std::vector<PolicyPlan>& policies)
      : log_path_(std::move(log)), completions_path_(std::move(completions)), policies_(policies) {}

  [[nodiscard]] bool is_wanted() const { return !log_path_.empty() || !completions_path_.empty(); }
  void add(const Sample& sample);
  // Marks the examples added since the last call as those of a finished task. Examples of a task that failed
  // half way are not written.
  void finish_task();
  // The lines added so far, and the lines of each policy's completions; add() takes such lines from
  // elsewhere.
  [[nodiscard]] const std::string& log() const { return log_; }
  [[nodiscard]] const std::vector<std::string>& completions() const { return completions_; }
  void add(const std::string& log, const std::vector<std::string>& completions);
  // Writes the files: --log-samples one line per example and policy (docs/formats.md); --samples HumanEval's
  // form, {"task_id", "completion"}, in one file for each policy if there are several. Returns notes for
  // the user.
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
