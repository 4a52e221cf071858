// Cells in order: which were measured on the same thing, which lie on one curve, what each lost against
// dense.
#pragma once
#include <string>
#include <vector>

#include "page/cell.hpp"

namespace toptheta::page {

// "theta k=16 sdc=exact vmc"
std::string describe(const CellPolicy& policy);
// Without what sweeps along a curve: k, or else the policy's own options.
std::string family_of(const CellPolicy& policy);
// "k=16", "budget=32"; empty for dense.
std::string knob_of(const CellPolicy& policy);
// The same text for results of the same thing: model, task, phase and policy with its table.
std::string identity_of(const Cell& cell);

// What a policy lost against dense on the same examples: a fraction of the perplexity, or points of an
// accuracy.
struct Loss {
  double value = kAbsent;
  double low = kAbsent;  // 95%
  double high = kAbsent;
  bool paired = false;  // from differences example by example; otherwise from two standard errors
  [[nodiscard]] bool known() const { return value == value; }
};

struct Point {
  const Cell* cell = nullptr;
  Loss loss{};
};

// The cells of one family, the fewest elements first.
struct Series {
  std::string name{};
  std::string attention{};
  std::vector<Point> points{};
};

// One model, task and phase.
struct Group {
  std::string title{};
  std::string metric{};  // the one that losses are of: perplexity, acc, exact_match, ...
  const Cell* dense = nullptr;
  std::vector<Series> series{};  // top-theta first, then by name; without dense
  [[nodiscard]] bool is_ratio() const { return metric == "perplexity"; }
};

// Texts first. The cells must outlive the result.
std::vector<Group> group_cells(const std::vector<Cell>& cells);

// The cheapest point of a series that loses at most `limit`; null where there is none. With `sure` the upper
// end of the interval must stay within it too.
const Point* cheapest_within(const Series& series, double limit, bool sure);

}  // namespace toptheta::page
