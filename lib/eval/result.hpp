// What an evaluation found: one structure in, one writer per format out (report/).
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

// A mean with the standard error of that mean, where there is one.
struct Measure {
  double value = 0;
  std::optional<double> standard_error{};
  std::optional<ConfidenceInterval> interval{};  // of a proportion: 95%, Wilson's
};

// A metric's difference from dense on the same examples.
struct PairedDifference {
  double value = 0;
  std::optional<double> standard_error{};
  std::optional<ConfidenceInterval> interval{};  // 95%
  // Of proportions: examples right here and wrong under dense, and the other way round; McNemar's exact test.
  std::optional<std::int64_t> better{};
  std::optional<std::int64_t> worse{};
  std::optional<double> p{};
};

// The policy as it was in force.
struct PolicyRecord {
  Policy policy{};
  std::vector<std::int64_t> layer_k{};  // [num_layers], kDenseK where dense; empty under dense
  std::vector<std::int64_t> head_k{};   // [num_layers * num_heads] where heads of one layer differ
  std::string thresholds{};             // the table's path; empty where none was used
  double add_sigma = 0;                 // of that table
  bool topk_at_calibration = false;     // of that table
};

struct TaskRecord {
  std::string name{};
  std::string kind{};  // "text", "multiple-choice", "continuation" or "generation"
  std::int64_t examples = 0;
  std::string sha256{};
  std::string definition{};  // name of the task file that says how it is read; "text" for plain texts
};

struct RunResult {
  PolicyRecord policy{};
  TaskRecord task{};
  // By name, in the order to print them: nll, perplexity, acc, acc_norm, exact_match, ...
  std::vector<std::pair<std::string, Measure>> metrics{};
  // Differences from the first dense policy of the run, by metric: acc, nll, perplexity_ratio (a ratio, not a
  // difference), ... Empty without one, and for itself.
  std::vector<std::pair<std::string, PairedDifference>> paired{};
  // One value for each example (of texts, for each document), by name, for pairing with other runs of the
  // task: acc, acc_norm, answer_nll, exact_match, ...; of texts nll, the sum over a document's tokens, and
  // tokens.
  std::vector<std::pair<std::string, std::vector<double>>> samples{};
  // What was counted, by name: tokens (scored), forward_tokens, correct, ...
  std::vector<std::pair<std::string, std::int64_t>> counts{};
  Phase phase = Phase::prefill;
  AttentionCounts sparsity{};
  // Wall-clock by name; the only part, with Results::threads, that depends on the machine.
  std::vector<std::pair<std::string, double>> seconds{};

  [[nodiscard]] const Measure* metric(const std::string& name) const {
    for (const auto& [key, measure] : metrics)
      if (key == name) return &measure;
    return nullptr;
  }
};

struct Results {
  std::string model{};         // a name for people
  std::string model_sha256{};  // over its files
  ModelShape shape{};
  std::vector<RunResult> runs{};
  Provenance provenance{};
  int threads = 1;
};

}  // namespace toptheta
