// Charts as SVG, drawn here once: the page shows them and --figures writes the same.
#pragma once
#include <string>
#include <vector>

#include "page/series.hpp"
#include "theta/table.hpp"

namespace toptheta::page {

enum class Cost { elements, v_rows, tiles };

struct Chart {
  std::string title{};
  std::string name{};  // of its file
  std::string svg{};   // an <svg> element without styles
};

// Losses over dense against a cost; log scales where that tells more. Points carry data-t, what hover shows. The colour of
// a series is its place in the group. `width` in pixels.
Chart trade_off_chart(const Group& group, Cost cost, int width);
// The metric itself against kept elements, with its standard errors.
Chart metric_chart(const Group& group, int width);
// A value of each layer (row) and head (column).
Chart heat_map(const std::string& title, const std::string& column, std::int64_t layers, std::int64_t columns,
               const std::vector<double>& values, bool as_percent);
// How many heads have which effective k over the k asked for.
Chart effective_k_chart(const Cell& cell);
// Means over heads, one line a layer, and the spread of a row's threshold.
Chart length_chart(const ThresholdTable& table, const Target& target);
// A file of its own.
std::string standalone(const Chart& chart);

}  // namespace toptheta::page
