#include "page/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "page/markup.hpp"

namespace toptheta::page {

double Scale::at(double value) const {
  const double t =
      log ? std::log(std::max(value, low) / low) / std::log(high / low) : (value - low) / (high - low);
  return from + std::clamp(t, 0.0, 1.0) * (to - from);
}

std::vector<double> Scale::ticks() const {
  std::vector<double> ticks;
  constexpr double kShort = 4;  // a logarithmic axis with a smaller ratio has the ticks of a linear one
  if (log && high > kShort * low) {
    const bool many = std::log10(high / low) < 2.5;
    double decade = std::pow(10, std::floor(std::log10(low)));
    while (decade <= high) {
      for (const double step : {1.0, 2.0, 5.0})
        if ((many || step == 1) && decade * step >= low * 0.999 && decade * step <= high * 1.001)
          ticks.push_back(decade * step);
      decade *= 10;
    }
    return ticks;
  }
  const double rough = (high - low) / 5;
  const double decade = std::pow(10, std::floor(std::log10(rough)));
  const double step = decade * (rough / decade > 5   ? 10
                                : rough / decade > 2 ? 5
                                : rough / decade > 1 ? 2
                                                     : 1);
  double value = std::ceil(low / step - 1e-9) * step;
  while (value <= high + step * 1e-9) {
    ticks.push_back(std::abs(value) < step * 1e-9 ? 0 : value);
    value += step;
  }
  return ticks;
}

Scale scale_over(const std::vector<double>& values, double from, double to, bool may_be_log) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : values)
    if (std::isfinite(value)) {
      low = std::min(low, value);
      high = std::max(high, value);
    }
  if (!(low <= high)) return {0, 1, from, to, false};
  if (may_be_log && low > 0 && high > 10 * low) return {low / 1.25, high * 1.25, from, to, true};
  const double room = high > low ? (high - low) * 0.06 : std::max(std::abs(high) * 0.05, 1e-6);
  return {low - room, high + room, from, to, false};
}

std::string text_at(double x, double y, const std::string& classes, const std::string& text) {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' class='{}'>{}</text>", x, y, classes, escaped(text));
}

std::string mark_at(double x, double y, std::size_t shape, const std::string& told) {
  std::string outline;
  if (shape % 4 == 1)
    outline = "m-3.5-3.5h7v7h-7z";
  else if (shape % 4 == 2)
    outline = "m0-5l5 5l-5 5l-5-5z";
  else if (shape % 4 == 3)
    outline = "m0-5l4.6 8h-9.2z";
  else
    outline = "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z";
  return fmt::format("<path class='p' d='M{:.2f} {:.2f}{}'{}/>", x, y, outline,
                     told.empty() ? "" : fmt::format(" data-t='{}'", escaped(told)));
}

std::string begin_svg(int width, int height, const std::string& title, const std::string& attributes) {
  return fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}'{} role='img' tabindex='0' "
      "aria-label='{}'><title>{}</title>",
      width, height, attributes, escaped(title), escaped(title));
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks, bool as_percent) {
  const double unit = as_percent ? 100 : 1;
  double step = std::numeric_limits<double>::infinity();
  for (std::size_t i = 1; i < ticks.size(); ++i)
    step = std::min(step, unit * (ticks[i] - ticks[i - 1]));
  constexpr double kMostDecimals = 9;
  const double decimals =
      std::isfinite(step) ? std::clamp(std::ceil(-std::log10(step) - 1e-9), 0.0, kMostDecimals) : 3;
  std::vector<std::string> labels;
  for (const double tick : ticks) {
    std::string text = fmt::format("{:.{}f}", unit * tick, static_cast<int>(decimals));
    if (text.find('.') != std::string::npos) text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    if (std::abs(unit * tick) >= 1e6) text = fmt::format("{:.4g}", unit * tick);
    labels.push_back(text + (as_percent ? "%" : ""));
  }
  return labels;
}

namespace {

constexpr double kCharacter = 6.7;  // pixels per digit in charts
constexpr double kLine = 13;

// Grid lines and their labels; a label that would touch the one before it is left out.
std::string left_axis(const Frame& frame) {
  const Scale& across = frame.x.scale;
  const std::vector<double> ticks = frame.y.scale.ticks();
  const std::vector<std::string> labels = tick_labels(ticks, frame.y.as_percent);
  std::string svg;
  double free_below = frame.height;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double y = frame.y.scale.at(ticks[i]);
    svg += fmt::format("<path class='g' d='M{:.1f} {:.1f}H{:.1f}'/>", across.from, y, across.to);
    if (y > free_below) continue;
    svg += text_at(across.from - 6, y + 4, "e", labels[i]);
    free_below = y - kLine;
  }
  return svg;
}

std::string bottom_axis(const Frame& frame) {
  const Scale& up = frame.y.scale;
  const std::vector<double> ticks = frame.x.scale.ticks();
  const std::vector<std::string> labels = tick_labels(ticks, frame.x.as_percent);
  std::string svg;
  double free_from = 0;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double x = frame.x.scale.at(ticks[i]);
    svg += fmt::format("<path class='g' d='M{:.1f} {:.1f}V{:.1f}'/>", x, up.from, up.to);
    const double half = kCharacter * static_cast<double>(labels[i].size()) / 2;
    const double middle = std::min(x, frame.width - half);
    if (middle - half < free_from) continue;
    svg += text_at(middle, up.from + 16, "m", labels[i]);
    free_from = middle + half + kCharacter;
  }
  return svg;
}

// "low high from to", and what else charts.js must know.
std::string attribute_of(const Axis& axis) {
  const Scale& scale = axis.scale;
  return fmt::format("{} {} {} {}{}{}{}", scale.low, scale.high, scale.from, scale.to,
                     scale.log ? " log" : "", axis.as_percent ? " %" : "", axis.is_fixed ? " fixed" : "");
}

}  // namespace

std::string begin_chart(const Frame& frame, const std::string& title) {
  const Scale& across = frame.x.scale;
  const Scale& up = frame.y.scale;
  std::string svg =
      begin_svg(frame.width, frame.height, title,
                fmt::format(" data-x='{}' data-y='{}'", attribute_of(frame.x), attribute_of(frame.y)));
  svg += fmt::format("<g class='y'>{}</g><g class='x'>{}</g>", left_axis(frame), bottom_axis(frame));
  svg += fmt::format("<path class='a' d='M{:.1f} {:.1f}H{:.1f}'/>", across.from, up.from, across.to);
  svg += text_at((across.from + across.to) / 2, up.from + 34, "m n", frame.x.name);
  return svg + text_at(std::max(0.0, across.from - 50), 14, "n", frame.y.name);
}

}  // namespace toptheta::page
