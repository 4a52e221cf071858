#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/charts.hpp"
#include "page/markup.hpp"
#include "page/svg.hpp"

namespace toptheta::page {

namespace {

struct Look {
  Frame frame{};
  Cost cost = Cost::elements;
  bool is_log = false;
};

std::string told_of(const Point& point, const Series& series, double at, const Look& look,
                    const Group& group) {
  const auto amount = [&group](double loss) { return group.is_share() ? percent(loss) : short_number(loss); };
  const std::string interval =
      point.loss.has_interval() ? fmt::format(" ({} to {})", amount(point.loss.low), amount(point.loss.high))
                                : "";
  return fmt::format("{}{}{}: loss {}{}, {} of {}", series.name,
                     knob_of(point.cell->policy).empty() ? "" : " ", knob_of(point.cell->policy),
                     amount(point.loss.value), interval, percent(at), name_of_cost(look.cost));
}

std::string marks_of(const Series& series, const Look& look, const Group& group) {
  std::string line;
  std::string bars;
  std::string dots;
  for (const Point& point : series.points) {
    const double at = cost_of(*point.cell, look.cost);
    if (!point.loss.known() || std::isnan(at)) continue;
    const double x = look.frame.x.scale.at(at);
    const double y = look.frame.y.scale.at(point.loss.value);
    line += fmt::format("{}{:.2f} {:.2f}", line.empty() ? "M" : "L", x, y);
    if (point.loss.has_interval())
      bars += fmt::format("M{:.2f} {:.2f}V{:.2f}", x, look.frame.y.scale.at(point.loss.low),
                          look.frame.y.scale.at(point.loss.high));
    dots += mark_at(x, y, series.style, told_of(point, series, at, look, group));
  }
  return fmt::format(
      "<g class='s s{}' data-s='{}'><g class='z'><path class='b' d='{}'/><path class='l' d='{}'/></g>{}</g>",
      series.style % 10, series.style, bars, line, dots);
}

// Names at the right ends of lines, moved apart where they would overlap.
std::string names_of(const Group& group, const Look& look) {
  struct Name {
    double x;
    double y;
    double at;
    const Series* series;
  };
  std::vector<Name> names;
  for (const Series& series : group.series) {
    const auto last = std::find_if(series.points.rbegin(), series.points.rend(), [&](const Point& point) {
      return point.loss.known() && !std::isnan(cost_of(*point.cell, look.cost));
    });
    if (last == series.points.rend()) continue;
    const double y = look.frame.y.scale.at(last->loss.value);
    names.push_back({look.frame.x.scale.at(cost_of(*last->cell, look.cost)), y, y, &series});
  }
  std::stable_sort(names.begin(), names.end(), [](const Name& a, const Name& b) { return a.y < b.y; });
  constexpr double kApart = 17;
  for (std::size_t i = 1; i < names.size(); ++i)
    names[i].at = std::max(names[i].at, names[i - 1].at + kApart);
  // Names that ended up below the axis are moved up again.
  double bottom = look.frame.y.scale.from - 4;
  for (std::size_t i = names.size(); i-- > 0; bottom = names[i].at - kApart)
    names[i].at = std::min(names[i].at, bottom);
  std::string svg;
  const double x = look.frame.x.scale.to + 22;
  for (const Name& name : names) {
    svg += fmt::format("<g class='s s{}'><path class='t' d='M{:.1f} {:.1f}L{:.1f} {:.1f}H{:.1f}'/></g>",
                       name.series->style % 10, name.x + 6, name.y, x - 10, name.at, x - 4);
    svg += fmt::format("<g class='w s{}'>{}</g>", name.series->style % 10,
                       text_at(x, name.at + 4, "k", name.series->name));
  }
  return svg;
}

// Room for the names beside the lines, at what a bold letter takes on average.
int width_of_names(const Group& group) {
  std::size_t letters = 0;
  for (const Series& series : group.series)
    letters = std::max(letters, series.name.size());
  constexpr double kLetter = 8;
  constexpr int kGap = 30;
  return std::clamp(kGap + static_cast<int>(kLetter * static_cast<double>(letters)), 110, 420);
}

Look look_of(const Group& group, Cost cost, Room room) {
  std::vector<double> xs;
  std::vector<double> ys;
  const bool may_be_log = group.is_ratio();
  for (const Series& series : group.series)
    for (const Point& point : series.points) {
      const double at = cost_of(*point.cell, cost);
      if (!point.loss.known() || std::isnan(at)) continue;
      xs.push_back(at);
      for (const double y : {point.loss.value, point.loss.low, point.loss.high})
        ys.push_back(may_be_log ? std::max(y, kLossFloor) : y);
    }
  const bool narrow = room == Room::narrow;
  const int width = narrow ? 360 : 860;
  const int height = narrow ? 290 : 420;
  Look look{{width, height, {}, {}}, cost, false};
  look.frame.x = {scale_over(xs, 54, width - (narrow ? 16 : width_of_names(group)), true), name_of_cost(cost),
                  true};
  look.frame.x.scale.high = std::min(look.frame.x.scale.high, 1.0);  // a share
  look.frame.y = {scale_over(ys, height - 44, 28, may_be_log), loss_name(group), group.is_share()};
  look.is_log = look.frame.y.scale.log;
  return look;
}

}  // namespace

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

Chart trade_off_chart(const Group& group, Cost cost, Room room) {
  const Look look = look_of(group, cost, room);
  const Scale& up = look.frame.y.scale;
  Chart chart;
  chart.title = fmt::format("{}: {} against {}", group.title, loss_name(group), name_of_cost(cost));
  chart.name = file_name(fmt::format("{} {} {}", group.title, group.metric, name_of_cost(cost)));
  chart.svg = begin_chart(look.frame, chart.title);
  if (up.low < kLossLimit && up.high > kLossLimit) {
    const double y = up.at(kLossLimit);
    chart.svg += fmt::format("<g class='z'><path class='limit' d='M{:.2f} {:.2f}H{:.2f}'/>",
                             look.frame.x.scale.from, y, look.frame.x.scale.to);
    chart.svg += text_at(look.frame.x.scale.from + 4, y - 5, "k limit-name",
                         group.is_share() ? "1% loss" : "0.01 nats") +
                 "</g>";
  }
  for (const Series& series : group.series)
    chart.svg += marks_of(series, look, group);
  if (room == Room::wide) chart.svg += names_of(group, look);
  chart.svg += "</svg>";
  return chart;
}

}  // namespace toptheta::page
