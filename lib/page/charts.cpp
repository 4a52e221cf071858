#include "page/charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/markup.hpp"
#include "page/svg.hpp"

namespace toptheta::page {

namespace {

constexpr double kFloor = 1e-4;  // losses below are drawn here, where the axis is logarithmic

double cost_of(const Cell& cell, Cost cost) {
  return cost == Cost::elements ? cell.total.kept
         : cost == Cost::v_rows ? cell.total.v_rows
                                : 1 - cell.total.empty_tiles;
}

const char* name_of_cost(Cost cost) {
  return cost == Cost::elements ? "attention elements kept"
         : cost == Cost::v_rows ? "V rows read"
                                : "tiles touched";
}

std::string marks_of(const Series& series, std::size_t index, const Frame& frame, Cost cost) {
  std::string line;
  std::string bars;
  std::string dots;
  for (const Point& point : series.points) {
    const double at = cost_of(*point.cell, cost);
    if (!point.loss.known() || std::isnan(at)) continue;
    const double x = frame.x.at(at);
    const double y = frame.y.at(point.loss.value);
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, y);
    if (!std::isnan(point.loss.low))
      bars +=
          fmt::format("M{:.1f} {:.1f}V{:.1f}", x, frame.y.at(point.loss.low), frame.y.at(point.loss.high));
    dots += fmt::format(
        "<circle cx='{:.1f}' cy='{:.1f}' r='4' data-t='{}'/>", x, y,
        escaped(fmt::format("{} {} | loss {} ({} to {}) | {} {} | {}", series.name,
                            knob_of(point.cell->policy), percent(point.loss.value), percent(point.loss.low),
                            percent(point.loss.high), percent(at), name_of_cost(cost), point.cell->file)));
  }
  return fmt::format("<g class='s s{}'><path class='b' d='{}'/><path class='l' d='{}'/>{}</g>", index % 10,
                     bars, line, dots);
}

std::string key_of(const Group& group, int width, int top) {
  std::string svg;
  for (std::size_t i = 0; i < group.series.size(); ++i) {
    const double y = top + 18.0 * static_cast<double>(i);
    svg +=
        fmt::format("<g class='s s{}'><circle cx='{}' cy='{:.0f}' r='4'/></g>", i % 10, width - 212, y - 4);
    svg += text_at(width - 202, y, "k", group.series[i].name);
  }
  return svg;
}

}  // namespace

Chart trade_off_chart(const Group& group, Cost cost, int width) {
  std::vector<double> xs;
  std::vector<double> ys;
  bool all_known = group.is_ratio();
  for (const Series& series : group.series)
    for (const Point& point : series.points) {
      if (!point.loss.known()) continue;
      xs.push_back(cost_of(*point.cell, cost));
      for (const double y : {point.loss.value, point.loss.low, point.loss.high})
        ys.push_back(all_known ? std::max(y, kFloor) : y);
    }
  const bool narrow = width < 600;
  const int key = narrow ? 18 * static_cast<int>(group.series.size()) + 10 : 0;
  Frame frame{width, 380 + key, {}, {}};
  frame.x = scale_over(xs, 58, width - (narrow ? 14 : 230), true);
  frame.y = scale_over(ys, 330, 28, all_known);
  const std::string y_name =
      group.is_ratio() ? "perplexity over dense" : group.metric + " lost against dense";
  Chart chart;
  chart.title = fmt::format("{}: {} against {}", group.title, y_name, name_of_cost(cost));
  chart.name = file_name(fmt::format("{} {} {}", group.title, group.metric, name_of_cost(cost)));
  chart.svg = begin_chart(frame, chart.title, name_of_cost(cost), y_name, true,
                          group.metric.find("nll") == std::string::npos);
  if (frame.y.low < 0.01 && frame.y.high > 0.01 && group.metric.find("nll") == std::string::npos)
    chart.svg += fmt::format("<path class='limit' d='M{:.1f} {:.1f}H{:.1f}'/>", frame.x.from,
                             frame.y.at(0.01), frame.x.to);
  for (std::size_t i = 0; i < group.series.size(); ++i)
    chart.svg += marks_of(group.series[i], i, frame, cost);
  chart.svg += key_of(group, narrow ? 270 : width, narrow ? 396 : 44) + "</svg>";
  return chart;
}

Chart heat_map(const std::string& title, const std::string& column, std::int64_t layers, std::int64_t columns,
               const std::vector<double>& values, bool as_percent) {
  const double side = std::clamp(300.0 / static_cast<double>(columns), 4.0, 34.0);
  double high = 0;
  for (const double value : values)
    if (std::isfinite(value)) high = std::max(high, value);
  const int width = static_cast<int>(60 + side * static_cast<double>(columns));
  const int height = static_cast<int>(56 + side * static_cast<double>(layers));
  Chart chart{title, file_name(title), ""};
  chart.svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}' style='max-width:{}px' role='img' "
      "tabindex='0' "
      "aria-label='{}'><title>{}</title>",
      width, height, width * 3 / 2, escaped(title), escaped(title));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto layer = static_cast<std::int64_t>(i) / columns;
    const auto head = static_cast<std::int64_t>(i) % columns;
    const double value = values[i];
    const int level = std::isnan(value) || high <= 0 ? 0 : static_cast<int>(std::lround(value / high * 9));
    chart.svg += fmt::format(
        "<rect class='h{}' x='{:.1f}' y='{:.1f}' width='{:.1f}' height='{:.1f}' data-t='layer {}, {} {}: "
        "{}'/>",
        level, 44 + side * static_cast<double>(head), 10 + side * static_cast<double>(layer), side - 1,
        side - 1, layer, column, head, as_percent ? percent(value) : short_number(value));
    if (head == 0 && (side > 10 || layer % 4 == 0))
      chart.svg +=
          text_at(38, 10 + side * (static_cast<double>(layer) + 0.5) + 4, "e", fmt::format("{}", layer));
  }
  chart.svg += text_at(44, height - 26, "k", fmt::format("layers down, {}s across", column));
  chart.svg += text_at(44, height - 8, "k", "darkest: " + (as_percent ? percent(high) : short_number(high))) +
               "</svg>";
  return chart;
}

std::string standalone(const Chart& chart) {
  static constexpr const char* kColours[] = {"0072b2", "d55e00", "009e73", "cc79a7", "e69f00",
                                             "56b4e9", "7a5195", "8c564b", "555555", "6b8e23"};
  std::string style =
      "text{font:13px "
      "system-ui,sans-serif;fill:#333}.m{text-anchor:middle}.e{text-anchor:end}.g{stroke:#e5e5e5}"
      ".a{stroke:#555}.limit{stroke:#a33;stroke-dasharray:5 4}.l,.b{fill:none}.l{stroke-width:2}";
  for (int i = 0; i < 10; ++i) {
    style += fmt::format(".s{0}{{stroke:#{1};fill:#{1}}}", i, kColours[i]);
    style += fmt::format(".h{}{{fill:rgb({},{},{})}}", i, 240 - 26 * i, 245 - 19 * i, 250 - 9 * i);
  }
  std::string svg = chart.svg;
  svg.insert(svg.find("<title>"),
             "<style>" + style + "</style><rect width='100%' height='100%' fill='#fff'/>");
  return svg + "\n";
}

}  // namespace toptheta::page
