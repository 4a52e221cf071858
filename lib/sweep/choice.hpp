// Which settings of each policy are as good as dense: "the smallest k within 0.01 of dense".
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sweep/read_cells.hpp"

namespace toptheta {

struct ChoiceQuery {
  std::string metric{};
  double within = 0.01;      // of perplexity relative, of all else in the metric's own units
  double confidence = 0.95;  // of the interval that must be within; 0: the difference itself
};

// How much worse than dense: negative where it is better.
struct Loss {
  double value = 0;
  std::optional<double> least{};  // the better end of the interval
  std::optional<double> most{};   // the worse one
};

// One setting of a policy, on one task or, where `task` is empty, on all of its tasks: means over these.
struct Candidate {
  std::string task{};
  std::string family{};
  std::string phase{};
  std::string protocol{};
  std::string policy{};
  std::string cell{};  // where it is of one task
  std::int64_t k = 0;
  double kept_elements = 0;
  double v_rows = 0;
  Loss loss{};
};

// The candidates that were chosen among those of one policy on one task; null where there are none, or where
// no k tells them apart.
struct PolicyChoice {
  std::vector<Candidate> candidates{};  // in the order of the cells; at least one
  const Candidate* smallest_k = nullptr;
  const Candidate* fewest_elements = nullptr;
  const Candidate* fewest_v_rows = nullptr;
  const Candidate* nearest = nullptr;  // the least lossy: what to name where nothing is within

  [[nodiscard]] bool found() const { return fewest_elements != nullptr; }
  PolicyChoice() = default;
  PolicyChoice(const PolicyChoice&) = delete;
  PolicyChoice& operator=(const PolicyChoice&) = delete;
  PolicyChoice(PolicyChoice&&) = default;
  PolicyChoice& operator=(PolicyChoice&&) = default;
  ~PolicyChoice() = default;
};

// Whether a loss is within what was asked for. Without an interval it is only where none is asked for.
bool is_within(const Loss& loss, const ChoiceQuery& query);

// Whether more of it is better: accuracies and agreement.
bool is_gain(const std::string& metric);

// The loss of a cell against dense: paired by the samples, else by the differences that the result holds.
// nullopt where there is neither.
std::optional<Loss> loss_of(const CellResult& dense, const CellResult& cell, const ChoiceQuery& query);

// The same of a difference from dense; of perplexity, that of the nll.
Loss loss_of(const PairedDifference& difference, const std::string& metric);

// The mean of the differences on several tasks; its error and interval by theirs, taken to be independent.
PairedDifference mean_difference(std::span<const PairedDifference> tasks, double confidence);

// One choice for each policy, phase and protocol: for each task, and where there are several then for all of
// them together (the mean loss, of settings that every task has; its interval by the tasks' independent
// errors). Throws UsageError where no sparse cell has the metric and dense beside it.
std::vector<PolicyChoice> choose_cells(const std::vector<CellResult>& cells, const ChoiceQuery& query);

}  // namespace toptheta
