#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/charts.hpp"
#include "page/markup.hpp"
#include "page/svg.hpp"

namespace toptheta::page {

namespace {

constexpr int kLeft = 40;
constexpr int kTop = 20;
constexpr int kLevels = 10;

struct Range {
  double low = 0;
  double high = 0;
};

Range range_of(const MapData& data) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double value : data.values)
    if (std::isfinite(value)) range = {std::min(range.low, value), std::max(range.high, value)};
  if (!(range.low <= range.high)) return {};
  if (data.from_zero) range.low = std::min(range.low, 0.0);
  return range;
}

std::string colour_of(double value, const Range& range) {
  if (!std::isfinite(value)) return "hx";
  const double share = range.high > range.low ? (value - range.low) / (range.high - range.low) : 0;
  return fmt::format("h{}", std::lround(share * (kLevels - 1)));
}

std::string shown(double value, const MapData& data) {
  return data.as_percent ? percent(value) : short_number(value);
}

// Every label if there is room, else every 4th or 16th.
std::int64_t label_step(int side, std::int64_t digits) {
  const auto room = static_cast<std::int64_t>(side);
  return room >= 7 * digits ? 1 : room >= 5 ? 4 : 16;
}

std::string labels_of(const MapData& data, int side) {
  std::string svg;
  const std::int64_t step = label_step(side, data.columns > 100 ? 3 : 2);
  for (std::int64_t column = 0; column < data.columns; column += step)
    svg += text_at(kLeft + side * static_cast<double>(column) + side / 2.0, kTop - 5, "m",
                   fmt::format("{}", column));
  for (std::int64_t layer = 0; layer < data.layers; layer += label_step(side, 2))
    svg += text_at(kLeft - 6, kTop + side * (static_cast<double>(layer) + 0.5) + 4, "e",
                   fmt::format("{}", layer));
  return svg;
}

std::string key_of(const MapData& data, const Range& range, int top) {
  std::string svg;
  for (int level = 0; level < kLevels; ++level)
    svg += fmt::format("<rect class='h{}' x='{}' y='{}' width='13' height='9'/>", level, kLeft + 14 * level,
                       top);
  svg += text_at(kLeft, top + 23, "k", shown(range.low, data));
  return svg + text_at(kLeft + 14 * kLevels - 1, top + 23, "e", shown(range.high, data));
}

}  // namespace

Chart heat_map(const MapData& data) {
  const int side = std::clamp(static_cast<int>(320 / std::max<std::int64_t>(1, data.columns)), 4, 36);
  const Range range = range_of(data);
  const int gap = side > 8 ? 1 : 0;
  const int width = std::max(320, kLeft + side * static_cast<int>(data.columns) + 8);
  const int bottom = kTop + side * static_cast<int>(data.layers);
  const bool has_peak = std::any_of(data.values.begin(), data.values.end(),
                                    [&range](double value) { return value < range.high; });
  Chart chart{data.title, file_name(data.title), ""};
  chart.svg =
      begin_svg(width, bottom + 44, data.title, fmt::format(" style='max-width:{}px'", width * 5 / 4));
  for (std::size_t i = 0; i < data.values.size(); ++i) {
    const auto layer = static_cast<std::int64_t>(i) / data.columns;
    const auto column = static_cast<std::int64_t>(i) % data.columns;
    const bool is_highest = has_peak && data.values[i] == range.high;
    chart.svg += fmt::format(
        "<rect class='{}{}' x='{}' y='{}' width='{}' height='{}' data-t='layer {}, {} {}: {}'/>",
        colour_of(data.values[i], range), is_highest ? " peak" : "", kLeft + side * column,
        kTop + side * layer, side - gap, side - gap, layer, data.column, column, shown(data.values[i], data));
  }
  chart.svg += labels_of(data, side) + key_of(data, range, bottom + 12);
  chart.svg +=
      text_at(kLeft + 14 * kLevels + 12, bottom + 21, "k n", fmt::format("layers x {}s", data.column)) +
      "</svg>";
  return chart;
}

}  // namespace toptheta::page
