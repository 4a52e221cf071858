// Results in words: which setting loses at most 1%, what it saves, where most is lost, and how it was made.
#pragma once
#include <string>
#include <vector>

#include "page/data_table.hpp"
#include "page/series.hpp"

namespace toptheta::page {

// The cell of a group that the page's words are about.
struct Choice {
  const Cell* cell = nullptr;  // null: there is only dense
  const Point* point = nullptr;
  bool within = false;  // loses at most 1%
  bool sure = false;    // so does the upper end of its interval
};

// The cheapest cell whose interval stays within 1%; else the cheapest that does by its mean; else the one
// closest to dense; else, without dense, the cheapest.
Choice choice_of(const Group& group);

// The answer in one sentence, for the first group.
std::string headline_of(const std::vector<Group>& groups);
// A card for each group.
std::string format_cards(const std::vector<Group>& groups);
// For every series of every group, the cheapest setting within 1%, or the closest one.
DataTable answers_of(const std::vector<Group>& groups);
// In which layer and head most softmax mass is lost and the attention output errs most; empty if the cell has
// no such figures.
std::string blame_of(const Cell& cell);
// The tt-eval sensitivity command for the policy of a tt-eval run command, or empty if that command runs more
// than dense and one policy, or has flags that sensitivity does not take.
std::string sensitivity_command(const std::string& command);

}  // namespace toptheta::page
