// Charts as SVG, drawn here once: the page shows them and --figures writes the same.
#pragma once
#include <string>
#include <vector>

#include "page/series.hpp"

namespace toptheta::page {

enum class Cost { elements, v_rows, tiles };

struct Chart {
  std::string title{};
  std::string name{};  // of its file
  std::string svg{};   // an <svg> element without styles
};

// Losses over dense against a cost; log scales where that tells more. Points carry data-t, what hover shows.
// The colour of a series is its place in the group. `width` in pixels.
Chart trade_off_chart(const Group& group, Cost cost, int width);
// A value of each layer (row) and head (column).
Chart heat_map(const std::string& title, const std::string& column, std::int64_t layers, std::int64_t columns,
               const std::vector<double>& values, bool as_percent);
// A file of its own.
std::string standalone(const Chart& chart);

}  // namespace toptheta::page
