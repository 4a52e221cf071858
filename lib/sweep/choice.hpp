// Which settings of each policy are as good as dense: "the smallest k within 0.01 of dense".
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/listing.hpp"
#include "sweep/read_cells.hpp"

namespace toptheta {

struct ChoiceQuery {
  std::string metric{};
  double within = 0.01;      // relative for perplexity, otherwise in the metric's own units
  double confidence = 0.95;  // of the interval whose worse end must be within; 0: the difference itself
};

// How much worse than dense; negative if it is better.
struct Loss {
  double value = 0;
  std::optional<double> least{};  // the better end of the interval
  std::optional<double> most{};   // the worse one
};

// One setting of a policy on one task or, if `task` is empty, means over all of its tasks.
struct Candidate {
  std::string task{};
  std::string family{};
  std::string phase{};
  std::string protocol{};
  std::string policy{};
  std::string cell{};  // if it is of a single task
  std::int64_t k = 0;
  double kept_elements = 0;
  double v_rows = 0;
  Loss loss{};
};

// The candidates chosen among those of one policy on one task. A pointer is null if no candidate is within
// the margin; `smallest_k` also if some candidate has no k.
struct PolicyChoice {
  std::vector<Candidate> candidates{};  // in the order of the cells; at least one
  const Candidate* smallest_k = nullptr;
  const Candidate* fewest_elements = nullptr;
  const Candidate* fewest_v_rows = nullptr;
  const Candidate* nearest = nullptr;  // the smallest loss, to be named if none is within the margin

  [[nodiscard]] bool found() const { return fewest_elements != nullptr; }
  PolicyChoice() = default;
  PolicyChoice(const PolicyChoice&) = delete;
  PolicyChoice& operator=(const PolicyChoice&) = delete;
  PolicyChoice(PolicyChoice&&) = default;
  PolicyChoice& operator=(PolicyChoice&&) = default;
  ~PolicyChoice() = default;
};

// Whether a loss is within the margin. A loss without an interval is only if no confidence is asked for.
bool is_within(const Loss& loss, const ChoiceQuery& query);

// Whether larger values of the metric are better, as for accuracies and agreement.
bool is_gain(const std::string& metric);

// For people: "1%" of perplexity, "1 point" of an accuracy, "0.01 nats" of a likelihood.
std::string loss_text(double loss, const std::string& metric);

// The column of a table that holds losses: its title ends with their unit.
ListingColumn loss_column(const std::string& key, const std::string& title, const std::string& metric,
                          int spare = 0);

// The loss of a cell against dense, paired by the samples, else from the differences that the result holds.
// nullopt if there is neither.
std::optional<Loss> loss_of(const CellResult& dense, const CellResult& cell, const ChoiceQuery& query);

// The same for a difference from dense; for perplexity, `difference` is that of the nll.
Loss loss_of(const PairedDifference& difference, const std::string& metric);

// The mean of the differences on several tasks, whose errors are taken to be independent.
PairedDifference mean_difference(std::span<const PairedDifference> tasks, double confidence);

// One choice for each policy, phase, protocol and task and, if there are several tasks, one for all of them
// together: the mean loss of settings that every task has, with an interval from the tasks' independent
// errors. Throws UsageError if no sparse cell with this metric has a dense cell to compare with.
std::vector<PolicyChoice> choose_cells(const std::vector<CellResult>& cells, const ChoiceQuery& query);

}  // namespace toptheta
