// Histograms and lines.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/charts.hpp"
#include "page/markup.hpp"
#include "page/svg.hpp"

namespace toptheta::page {

namespace {

constexpr int kBars = 28;

struct Bars {
  double low = 1;
  double high = 1;
  std::vector<std::int64_t> counts = std::vector<std::int64_t>(kBars);

  // The value at the bar's lower end.
  [[nodiscard]] double edge(std::size_t bar) const {
    return low * std::pow(high / low, static_cast<double>(bar) / kBars);
  }
};

// The values above 0; there must be at least one.
Bars bars_of(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  Bars bars{*least, *most > *least ? *most : *least * 1.01};
  for (const double value : values) {
    const double place = std::log(value / bars.low) / std::log(bars.high / bars.low) * kBars;
    ++bars.counts[std::min<std::size_t>(kBars - 1, static_cast<std::size_t>(std::max(0.0, place)))];
  }
  return bars;
}

// An axis that is logarithmic even if it is short.
Scale log_scale(double low, double high, double from, double to) {
  return {low, std::max(high, low * 1.01), from, to, true};
}

std::string band_of(const Line& line, const Frame& frame) {
  if (line.low.empty()) return "";
  std::string there;
  std::string back;
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    const double x = frame.x.scale.at(line.x[i]);
    there += fmt::format("{}{:.2f} {:.2f}", i == 0 ? "M" : "L", x, frame.y.scale.at(line.low[i]));
    back.insert(0, fmt::format("L{:.2f} {:.2f}", x, frame.y.scale.at(line.high[i])));
  }
  return fmt::format("<path class='band' d='{}{}z'/>", there, back);
}

std::string line_of(const Line& line, std::size_t index, const Frame& frame) {
  std::string path;
  std::string dots;
  for (std::size_t i = 0; i < line.x.size(); ++i) {
    const double x = frame.x.scale.at(line.x[i]);
    const double y = frame.y.scale.at(line.y[i]);
    path += fmt::format("{}{:.2f} {:.2f}", i == 0 ? "M" : "L", x, y);
    std::string told = fmt::format("{}, length {:.0f}: {}", line.name, line.x[i], short_number(line.y[i]));
    if (!line.low.empty())
      told += fmt::format(" ({} to {})", short_number(line.low[i]), short_number(line.high[i]));
    dots +=
        fmt::format("<circle class='q' cx='{:.2f}' cy='{:.2f}' r='2.5' data-t='{}'/>", x, y, escaped(told));
  }
  return fmt::format("<g class='s s{}' data-s='{}'><g class='z'>{}<path class='l' d='{}'/></g>{}</g>",
                     index % 10, index, band_of(line, frame), path, dots);
}

}  // namespace

Chart histogram(const std::string& title, const std::string& x_name, const std::vector<double>& values,
                double reference) {
  std::vector<double> positive;
  std::copy_if(values.begin(), values.end(), std::back_inserter(positive),
               [](double value) { return std::isfinite(value) && value > 0; });
  Chart chart{title, file_name(title), ""};
  if (positive.empty()) positive = {reference};
  const Bars bars = bars_of(positive);
  const double most = static_cast<double>(*std::max_element(bars.counts.begin(), bars.counts.end()));
  Frame frame{430, 260, {}, {}};
  frame.x = {log_scale(std::min(bars.low, reference) / 1.05, std::max(bars.high, reference) * 1.05, 54, 414),
             x_name, false};
  frame.y = {{0, most * 1.05, 216, 28, false}, "heads", false, true};
  chart.svg = begin_chart(frame, title) + "<g class='z'>";
  for (std::size_t bar = 0; bar < kBars; ++bar) {
    if (bars.counts[bar] == 0) continue;
    const double left = frame.x.scale.at(bars.edge(bar));
    const double top = frame.y.scale.at(static_cast<double>(bars.counts[bar]));
    chart.svg += fmt::format(
        "<path class='bar' d='M{:.2f} {:.2f}H{:.2f}V{:.2f}H{:.2f}z' data-t='{} to {}: {} heads'/>", left, top,
        std::max(left + 1, frame.x.scale.at(bars.edge(bar + 1))), frame.y.scale.from, left,
        short_number(bars.edge(bar)), short_number(bars.edge(bar + 1)), bars.counts[bar]);
  }
  chart.svg += fmt::format("<path class='limit' d='M{:.2f} {:.2f}V{:.2f}'/></g></svg>",
                           frame.x.scale.at(reference), frame.y.scale.from, frame.y.scale.to);
  return chart;
}

Chart line_chart(const LineData& data) {
  std::vector<double> xs;
  std::vector<double> ys;
  for (const Line& line : data.lines) {
    xs.insert(xs.end(), line.x.begin(), line.x.end());
    for (const auto* values : {&line.y, &line.low, &line.high})
      ys.insert(ys.end(), values->begin(), values->end());
  }
  Frame frame{360, 250, {}, {}};
  frame.x = {scale_over(xs, 54, 344, true), data.x_name, false};
  frame.y = {scale_over(ys, 206, 28, data.may_be_log), data.y_name, false};
  Chart chart{data.title, file_name(data.title), begin_chart(frame, data.title)};
  for (std::size_t i = 0; i < data.lines.size(); ++i)
    chart.svg += line_of(data.lines[i], i, frame);
  chart.svg += "</svg>";
  return chart;
}

}  // namespace toptheta::page
