// Results in words: which setting loses at most 1%, what it saves, which layers are to blame, what made it.
#pragma once
#include <string>
#include <vector>

#include "page/data_table.hpp"
#include "page/series.hpp"

namespace toptheta::page {

// The cell of a group that the page speaks of.
struct Choice {
  const Cell* cell = nullptr;  // null: nothing but dense
  const Point* point = nullptr;
  bool within = false;  // loses at most 1%
  bool sure = false;    // so does the upper end of its interval
};

// The cheapest cell whose interval stays within 1%; else the cheapest that does by its mean; else the one
// closest to dense; else, without dense, the cheapest.
Choice choice_of(const Group& group);

// The answer in one sentence, of the first group.
std::string headline_of(const std::vector<Group>& groups);
// A card for each group.
std::string format_cards(const std::vector<Group>& groups);
// For every series of every group the cheapest setting within 1%, or the closest.
DataTable answers_of(const std::vector<Group>& groups);
// "Layer 3 loses most softmax mass ..."; empty where the cell does not say.
std::string blame_of(const Cell& cell);

}  // namespace toptheta::page
