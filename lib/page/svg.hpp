// The axes of charts.
#pragma once
#include <string>
#include <vector>

namespace toptheta::page {

// Maps values to pixels, linearly or logarithmically.
struct Scale {
  double low = 0;
  double high = 1;
  double from = 0;  // pixel of low
  double to = 1;
  bool log = false;
  [[nodiscard]] double at(double value) const;
  // Round values within the range, few enough to be distinguishable.
  [[nodiscard]] std::vector<double> ticks() const;
};

// A scale that holds all values, with a little room; logarithmic if they are positive and span more than a
// factor of ten.
Scale scale_over(const std::vector<double>& values, double from, double to, bool may_be_log);

// The labels of ticks (ascending), each with as many decimals as distinguish it from its neighbours.
std::vector<std::string> tick_labels(const std::vector<double>& ticks, bool as_percent);

struct Axis {
  Scale scale{};
  std::string name{};
  bool as_percent = false;
  bool is_fixed = false;  // stays as it is when the chart is zoomed
};

struct Frame {
  int width = 0;
  int height = 0;
  Axis x{};
  Axis y{};
};

// "<svg ...>" of that size and with these further attributes, with a name for people who cannot see it.
std::string begin_svg(int width, int height, const std::string& title, const std::string& attributes);
// The same with grid, ticks and names of axes; the caller adds marks and "</svg>". charts.js zooms the chart
// by this contract: data-x and data-y describe the axes; the groups x and y hold their ticks; what is in a
// group z is cut off at the edges of the plot; in z and in s, absolute commands of paths are coordinates, and
// relative ones the shape of a mark.
std::string begin_chart(const Frame& frame, const std::string& title);
std::string text_at(double x, double y, const std::string& classes, const std::string& text);
// A mark that is read out as `told`: a circle, square, diamond or triangle, by `shape` modulo 4.
std::string mark_at(double x, double y, std::size_t shape, const std::string& told);

}  // namespace toptheta::page
