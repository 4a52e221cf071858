// Charts as SVG, drawn here once: the page shows them and --figures writes the same. What hover and arrow
// keys tell of a mark is its data-t.
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
  std::string name{};  // of its file
  std::string svg{};   // an <svg> element without styles
};

// For the page, where the key stands above the charts, or by itself, with names at the ends of lines.
enum class Room { narrow, wide };

// Losses over dense against a cost; log scales where that tells more. Losses below kLossFloor stand there
// where the axis is logarithmic.
inline constexpr double kLossFloor = 1e-4;
Chart trade_off_chart(const Group& group, Cost cost, Room room);

// A value of each layer (row) and column: shares, or plain numbers.
struct MapData {
  std::string title{};
  std::string column{};  // "head", "KV group"
  std::int64_t layers = 0;
  std::int64_t columns = 0;
  std::vector<double> values{};  // [layers * columns]; NaN where there is none
  bool as_percent = false;
  bool from_zero = false;  // the lightest colour is 0, not the lowest value
};
Chart heat_map(const MapData& data);

// How many values lie where, on a logarithmic axis, with a line at `reference`. Values not above 0 are left
// out.
Chart histogram(const std::string& title, const std::string& x_name, const std::vector<double>& values,
                double reference);

// Lines with a band around each.
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

// Gives charts of one name different ones: "x", "x-2".
void make_names_unique(std::vector<Chart>& charts);
// A file of its own.
std::string standalone(const Chart& chart);

}  // namespace toptheta::page
