// Charts as SVG, drawn once: the page shows the same drawings that --figures writes. The attribute data-t of
// a mark is what hovering and the arrow keys read out.
#pragma once
#include <string>
#include <vector>

#include "page/series.hpp"

namespace toptheta::page {

enum class Cost { elements, v_rows, tiles };
double cost_of(const Cell& cell, Cost cost);
const char* name_of_cost(Cost cost);

struct Chart {
  std::string title{};
  std::string name{};  // name of its file
  std::string svg{};   // an <svg> element without styles
};

// Narrow for the page, where a key is above the charts; wide for a chart by itself, with names at the ends of
// lines.
enum class Room { narrow, wide };

// Losses over dense against a cost, on logarithmic scales if they show more. On a logarithmic axis, losses
// below kLossFloor are drawn at kLossFloor.
inline constexpr double kLossFloor = 1e-4;
Chart trade_off_chart(const Group& group, Cost cost, Room room);

// A value for each layer (row) and column, which are shares or plain numbers.
struct MapData {
  std::string title{};
  std::string column{};  // "head", "KV group"
  std::int64_t layers = 0;
  std::int64_t columns = 0;
  std::vector<double> values{};  // [layers * columns]; NaN if there is none
  bool as_percent = false;
  bool from_zero = false;  // the lightest colour means 0 instead of the lowest value
};
Chart heat_map(const MapData& data);

// A histogram on a logarithmic axis, with a line at `reference`. Values that are not above 0 are left out.
Chart histogram(const std::string& title, const std::string& x_name, const std::vector<double>& values,
                double reference);

// Lines, each with a band around it.
struct Line {
  std::string name{};
  std::vector<double> x{};
  std::vector<double> y{};
  std::vector<double> low{};  // of the band; empty: none
  std::vector<double> high{};
};
struct LineData {
  std::string title{};
  std::string x_name{};
  std::string y_name{};
  std::vector<Line> lines{};
  bool may_be_log = false;  // the y axis
};
Chart line_chart(const LineData& data);

// Gives charts that share a name different names: "x", "x-2".
void make_names_unique(std::vector<Chart>& charts);
// The chart as a file of its own.
std::string standalone(const Chart& chart);

}  // namespace toptheta::page
