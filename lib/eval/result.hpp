// The results of an evaluation. lib/report has one writer of them per format.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attention/counters.hpp"
#include "attention/policy.hpp"
#include "core/provenance.hpp"

namespace toptheta {

struct ConfidenceInterval {
  double low = 0;
  double high = 0;
};

// A value, such as a mean, with its standard error if that is known.
struct Measure {
  double value = 0;
  std::optional<double> standard_error{};
  std::optional<ConfidenceInterval> interval{};  // for proportions only: Wilson's 95% interval
};

// A metric's difference from dense on the same examples.
struct PairedDifference {
  double value = 0;
  std::optional<double> standard_error{};
  std::optional<ConfidenceInterval> interval{};  // 95%
  // For proportions only: the number of examples that are right here but wrong under dense, the number of the
  // reverse, and the p-value of McNemar's exact test.
  std::optional<std::int64_t> better{};
  std::optional<std::int64_t> worse{};
  std::optional<double> p{};
};

// The policy that was in force.
struct PolicyRecord {
  Policy policy{};
  std::vector<std::int64_t> layer_k{};  // [num_layers] kDenseK where dense; empty for the dense policy
  std::vector<std::int64_t> head_k{};   // [num_layers * num_heads] if heads of a layer differ, else empty
  std::string thresholds{};             // path of the threshold table; empty if none was used
  double add_sigma = 0;                 // that of the table
  bool topk_at_calibration = false;     // that of the table
  bool rho_law = false;                 // whether calibrated SDC takes rho from the table's laws
};

struct TaskRecord {
  std::string name{};
  std::string kind{};  // "text", "multiple-choice", "continuation" or "generation"
  std::int64_t examples = 0;
  std::string sha256{};
  std::string definition{};  // name of the task file that describes the data; "text" for plain texts
};

struct RunResult {
  PolicyRecord policy{};
  TaskRecord task{};
  // By name, in the order of printing: nll, perplexity, acc, acc_norm, exact_match, ...
  std::vector<std::pair<std::string, Measure>> metrics{};
  // Differences from the first dense policy of the run, by metric: acc, nll, perplexity_ratio (which is a
  // ratio, not a difference), ... Empty for that policy itself, and if the run has no dense policy.
  std::vector<std::pair<std::string, PairedDifference>> paired{};
  // One value per example, by name, for pairing with other runs of the task: acc, acc_norm, answer_nll,
  // exact_match, ... For texts, one value per document: nll (the sum over its tokens) and tokens.
  std::vector<std::pair<std::string, std::vector<double>>> samples{};
  // By name: tokens (scored, or generated), fed_tokens (run through the model), truncated, cut_short, words,
  // bytes. Which of them there are depends on the kind of task (eval/runner.hpp).
  std::vector<std::pair<std::string, std::int64_t>> counts{};
  Phase phase = Phase::prefill;
  AttentionCounts sparsity{};
  // Wall-clock times by name. Beside Results::threads, nothing else depends on the machine.
  std::vector<std::pair<std::string, double>> seconds{};

  [[nodiscard]] const Measure* metric(const std::string& name) const {
    for (const auto& [key, measure] : metrics)
      if (key == name) return &measure;
    return nullptr;
  }
};

struct Results {
  std::string model{};         // a name for people to read
  std::string model_sha256{};  // digest of its files
  ModelShape shape{};
  std::vector<RunResult> runs{};
  Provenance provenance{};
  int threads = 1;
};

}  // namespace toptheta
