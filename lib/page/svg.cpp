#include "page/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/markup.hpp"

namespace toptheta::page {

double Scale::at(double value) const {
  const double t =
      log ? std::log(std::max(value, low) / low) / std::log(high / low) : (value - low) / (high - low);
  return from + std::clamp(t, 0.0, 1.0) * (to - from);
}

std::vector<double> Scale::ticks() const {
  std::vector<double> ticks;
  if (log) {
    const bool many = std::log10(high / low) < 2.5;
    for (double decade = std::pow(10, std::floor(std::log10(low))); decade <= high; decade *= 10)
      for (const double step : {1.0, 2.0, 5.0})
        if ((many || step == 1) && decade * step >= low * 0.999 && decade * step <= high * 1.001)
          ticks.push_back(decade * step);
    return ticks;
  }
  const double rough = (high - low) / 5;
  const double decade = std::pow(10, std::floor(std::log10(rough)));
  const double step = decade * (rough / decade > 5   ? 10
                                : rough / decade > 2 ? 5
                                : rough / decade > 1 ? 2
                                                     : 1);
  for (double value = std::ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step)
    ticks.push_back(std::abs(value) < step * 1e-9 ? 0 : value);
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

std::string begin_chart(const Frame& frame, const std::string& title, const std::string& x_name,
                        const std::string& y_name, bool x_percent, bool y_percent) {
  const auto label = [](double value, bool is_percent) {
    return is_percent ? fmt::format("{:.3g}%", value * 100) : fmt::format("{:.4g}", value);
  };
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {} {}' role='img' tabindex='0' "
      "aria-label='{}'><title>{}</title>",
      frame.width, frame.height, escaped(title), escaped(title));
  for (const double tick : frame.y.ticks()) {
    const double y = frame.y.at(tick);
    svg += fmt::format("<path class='g' d='M{:.1f} {:.1f}H{:.1f}'/>", frame.x.from, y, frame.x.to);
    svg += text_at(frame.x.from - 6, y + 4, "e", label(tick, y_percent));
  }
  for (const double tick : frame.x.ticks()) {
    const double x = frame.x.at(tick);
    svg += fmt::format("<path class='g' d='M{:.1f} {:.1f}V{:.1f}'/>", x, frame.y.from, frame.y.to);
    svg += text_at(x, frame.y.from + 16, "m", label(tick, x_percent));
  }
  svg += fmt::format("<path class='a' d='M{:.1f} {:.1f}H{:.1f}'/>", frame.x.from, frame.y.from, frame.x.to);
  svg += text_at((frame.x.from + frame.x.to) / 2, frame.y.from + 36, "m n", x_name);
  svg += text_at(frame.x.from - 44 > 0 ? frame.x.from - 44 : 0, 14, "n", y_name);
  return svg;
}

}  // namespace toptheta::page
