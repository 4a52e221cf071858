#include "tt_eval/sample_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "attention/policy.hpp"
#include "common/output.hpp"
#include "report/json.hpp"

namespace toptheta::app {

namespace {

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

nlohmann::ordered_json log_line(const Sample& sample, const Policy& policy) {
  nlohmann::ordered_json json = {{"task", sample.task.name},
                                 {"policy", describe(policy)},
                                 {"policy_index", sample.policy},
                                 {"example", sample.example},
                                 {"place", sample.place}};
  if (!sample.id.empty()) json["id"] = sample.id;
  if (!sample.prompt_sha256.empty()) json["prompt_sha256"] = sample.prompt_sha256;
  if (!sample.log_likelihoods.empty()) {
    json["log_likelihoods"] = nlohmann::ordered_json::array();
    for (const double value : sample.log_likelihoods)
      json["log_likelihoods"].push_back(json_number(value));
    json["tokens"] = sample.tokens;
  }
  if (sample.answer) json["answer"] = *sample.answer;
  if (sample.label) json["label"] = *sample.label;
  if (sample.task.kind() == TaskKind::generation) json["completion"] = sample.completion;
  for (const auto& [name, value] : sample.metrics)
    json[name] = value;
  return json;
}

}  // namespace

void SampleLog::add(const Sample& sample) {
  if (!log_path_.empty()) pending_log_ += dumped(log_line(sample, policies_[sample.policy].record.policy));
  if (completions_path_.empty() || sample.task.kind() != TaskKind::generation) return;
  pending_completions_.resize(policies_.size());
  const std::string id =
      sample.id.empty() ? fmt::format("{}/{}", sample.task.name, sample.example) : sample.id;
  pending_completions_[sample.policy] += dumped({{"task_id", id}, {"completion", sample.completion}});
}

void SampleLog::finish_task() {
  log_ += std::exchange(pending_log_, {});
  completions_.resize(pending_completions_.size());
  for (std::size_t p = 0; p < pending_completions_.size(); ++p)
    completions_[p] += std::exchange(pending_completions_[p], {});
}

void SampleLog::add(const std::string& log, const std::vector<std::string>& completions) {
  log_ += log;
  completions_.resize(std::max(completions_.size(), completions.size()));
  for (std::size_t p = 0; p < completions.size(); ++p)
    completions_[p] += completions[p];
}

std::vector<std::string> SampleLog::write() const {
  std::vector<std::string> notes;
  if (!log_path_.empty()) write_output(log_path_, log_);
  for (std::size_t p = 0; p < completions_.size(); ++p) {
    std::filesystem::path path = completions_path_;
    if (completions_.size() > 1)
      path.replace_filename(fmt::format("{}-{}{}", path.stem().string(), p, path.extension().string()));
    write_output(path, completions_[p]);
    notes.push_back(
        fmt::format("{}: completions under {}", path.string(), describe(policies_[p].record.policy)));
  }
  return notes;
}

}  // namespace toptheta::app
