// Puts cells in order: which were measured on the same task, which belong to one curve, and what each lost
// against dense.
#pragma once
#include <string>
#include <vector>

#include "page/cell.hpp"

namespace toptheta::page {

// "theta k=16 sdc=exact vmc"
std::string describe(const CellPolicy& policy);
// The same without what varies along a curve: k, or else the policy's own options.
std::string family_of(const CellPolicy& policy);
// "k=16", "budget=32"; empty for dense.
std::string knob_of(const CellPolicy& policy);
// A text that is equal for results with the same model, task, phase, policy and table.
std::string identity_of(const Cell& cell);

// What a policy lost against dense on the same examples: a fraction of the perplexity, points of an accuracy,
// or nats of a log-likelihood.
inline constexpr double kLossLimit = 0.01;
struct Loss {
  double value = kAbsent;
  double low = kAbsent;  // 95% interval
  double high = kAbsent;
  bool paired = false;  // from paired differences; otherwise from both standard errors
  [[nodiscard]] bool known() const { return value == value; }
  [[nodiscard]] bool has_interval() const { return low == low; }  // a single example gives none
};

struct Point {
  const Cell* cell = nullptr;
  Loss loss{};
};

// The cells of one curve, beginning with the fewest elements: of one family and one table, or of tables that
// differ in their k and in the numbers of their names ("budget-64.h5", "budget-96.h5").
struct Series {
  std::string name{};  // the family, and "(budget-*)" where the group has several such curves
  std::string attention{};
  std::vector<Point> points{};
  std::size_t style = 0;  // colour and mark, the same in all groups
};

// One model, task and phase.
struct Group {
  std::string title{};
  std::string metric{};  // the metric of the losses: perplexity, acc, exact_match, ...
  const Cell* dense = nullptr;
  std::vector<Series> series{};  // top-theta first, then by name; without dense
  [[nodiscard]] bool is_ratio() const { return metric == "perplexity"; }
  // Whether losses are shown as percentages.
  [[nodiscard]] bool is_share() const;
};

// "perplexity above dense", "acc below dense".
std::string loss_name(const Group& group);
// "perplexity 0.48% above dense (0.21% to 0.64%, 95%)".
std::string describe(const Loss& loss, const Group& group);

// Texts first. The cells must outlive the result.
std::vector<Group> group_cells(const std::vector<Cell>& cells);

// The cheapest point of a series that loses at most `limit`; null if there is none. With `sure`, the upper
// end of its interval must stay within the limit too.
const Point* cheapest_within(const Series& series, double limit, bool sure);
// The same over all series; sets `*series` to that of the point. Null if there is none.
const Point* cheapest_within(const Group& group, double limit, bool sure, const Series** series);
// The point with the smallest loss, the cheaper one of equals; null if no loss is known.
const Point* closest_to_dense(const Series& series);

}  // namespace toptheta::page
