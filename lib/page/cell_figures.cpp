#include "page/cell_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "page/markup.hpp"

namespace toptheta::page {

namespace {

MapData map_of(const std::string& title, const Cell& cell, double Sparsity::*what, bool as_percent) {
  MapData data{title, "head", cell.model.layers, cell.model.heads, {}, as_percent, true};
  for (const Sparsity& head : cell.heads)
    data.values.push_back(head.*what);
  return data;
}

// Whether there is anything to draw: some value other than 0.
bool has_any(const MapData& data) {
  return std::any_of(data.values.begin(), data.values.end(),
                     [](double v) { return std::isfinite(v) && v != 0; });
}

void add_map(Figure& figure, const MapData& data) {
  if (!has_any(data)) return;
  figure.charts.push_back(heat_map(data));
  figure.charts.back().name = file_name(fmt::format("{} {}", figure.title, data.title));
}

Value loss_value(const Group& group, double loss) {
  return group.is_share() ? percent_value(loss) : number_value(loss);
}

std::string table_name(const char* what, const Group& group) {
  return file_name(fmt::format("{} {}", what, group.title));
}

// The value below which `share` of the sorted values lie.
double quantile(const std::vector<double>& sorted, double share) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::lround(share * last))];
}

std::vector<double> ratios_of(const Cell& cell) {
  std::vector<double> ratios;
  for (const Sparsity& head : cell.heads)
    if (std::isfinite(head.effective_k)) ratios.push_back(head.effective_k);
  std::sort(ratios.begin(), ratios.end());
  return ratios;
}

}  // namespace

Figure trade_off_figure(const Group& group, Room room) {
  Figure figure;
  figure.title = fmt::format("{}: {}", group.title, loss_name(group));
  for (const Cost cost : {Cost::elements, Cost::v_rows, Cost::tiles}) {
    Chart chart = trade_off_chart(group, cost, room);
    if (room == Room::narrow) chart.title = fmt::format("against {}", name_of_cost(cost));
    figure.charts.push_back(std::move(chart));
  }
  figure.data = {table_name("trade-off", group),
                 {"policy", "setting", "loss", "low", "high", "paired", "kept elements", "V rows",
                  "tiles touched", "file"},
                 {}};
  for (const Series& series : group.series) {
    // Series that differ in their tables alone share a style and a name.
    if (std::none_of(figure.key.begin(), figure.key.end(),
                     [&series](const KeyEntry& entry) { return entry.style == series.style; }))
      figure.key.push_back({series.name, series.style});
    for (const Point& point : series.points)
      figure.data.rows.push_back(
          {text_value(series.name), text_value(knob_of(point.cell->policy)),
           loss_value(group, point.loss.value), loss_value(group, point.loss.low),
           loss_value(group, point.loss.high), text_value(point.loss.paired ? "yes" : "no"),
           percent_value(cost_of(*point.cell, Cost::elements)),
           percent_value(cost_of(*point.cell, Cost::v_rows)),
           percent_value(cost_of(*point.cell, Cost::tiles)), text_value(point.cell->file)});
  }
  return figure;
}

Figure head_figure(const Group& group, const Cell& cell) {
  Figure figure;
  figure.title = fmt::format("Heads: {}, {}", group.title, describe(cell.policy));
  figure.note = "The outlined cell is the highest. Quantities that are 0 in every head are left out.";
  add_map(figure, map_of("Elements kept", cell, &Sparsity::kept, true));
  add_map(figure, map_of("Softmax mass lost", cell, &Sparsity::lost_mass, true));
  add_map(figure, map_of("Error of the attention output (relative L2)", cell, &Sparsity::output_error, true));
  add_map(figure, map_of("1 - cosine of the attention output", cell, &Sparsity::output_turn, false));
  add_map(figure, map_of("Effective k over k", cell, &Sparsity::effective_k, false));
  add_map(figure, map_of("Tiles that keep nothing", cell, &Sparsity::empty_tiles, true));
  figure.data = {table_name("heads", group),
                 {"layer", "head", "kept elements", "lost mass", "output error", "1 - cosine",
                  "effective k / k", "empty tiles"},
                 {}};
  for (std::size_t i = 0; i < cell.heads.size(); ++i) {
    const Sparsity& head = cell.heads[i];
    const auto at = static_cast<std::int64_t>(i);
    figure.data.rows.push_back({count_value(at / cell.model.heads), count_value(at % cell.model.heads),
                                number_value(head.kept, true), number_value(head.lost_mass, true),
                                number_value(head.output_error, true), number_value(head.output_turn, true),
                                number_value(head.effective_k, true), number_value(head.empty_tiles, true)});
  }
  figure.data.drop_empty_columns();
  return figure;
}

Figure kv_group_figure(const Group& group, const Cell& cell) {
  Figure figure;
  MapData data{"V rows read", "KV group", cell.model.layers, cell.model.kv_heads, cell.group_v_rows,
               true,          true};
  figure.title = fmt::format("KV groups: {}, {}", group.title, describe(cell.policy));
  figure.note = fmt::format(
      "A V row is read if any of the group's {} query heads keeps it: {} of the rows are read for {} of the "
      "elements.",
      cell.model.heads / cell.model.kv_heads, percent(cell.total.v_rows), percent(cell.total.kept));
  if (cell.group_v_rows.empty()) return figure;
  add_map(figure, data);
  figure.data = {table_name("kv-groups", group), {"layer", "KV group", "V rows"}, {}};
  for (std::size_t i = 0; i < cell.group_v_rows.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    figure.data.rows.push_back({count_value(at / cell.model.kv_heads), count_value(at % cell.model.kv_heads),
                                number_value(cell.group_v_rows[i], true)});
  }
  return figure;
}

Figure effective_k_figure(const std::vector<Group>& groups) {
  Figure figure;
  figure.title = "Effective k over the k asked for";
  figure.note =
      "Every head of every cell. The dashed line is the k asked for: heads to its right keep more, heads to "
      "its left less.";
  figure.data = {
      "effective-k",
      {"task", "policy", "heads", "5%", "median", "95%", "lowest", "highest", "heads below k", "file"},
      {}};
  std::map<std::pair<std::size_t, std::string>, std::vector<double>> families;
  for (const Group& group : groups)
    for (const Series& series : group.series)
      for (const Point& point : series.points) {
        const std::vector<double> ratios = ratios_of(*point.cell);
        // Top-k keeps k by its definition.
        if (ratios.empty() || (ratios.front() == 1 && ratios.back() == 1)) continue;
        auto& all = families[{series.style, series.name}];
        all.insert(all.end(), ratios.begin(), ratios.end());
        const auto below = std::lower_bound(ratios.begin(), ratios.end(), 1.0) - ratios.begin();
        figure.data.rows.push_back(
            {text_value(group.title), text_value(describe(point.cell->policy)),
             count_value(static_cast<std::int64_t>(ratios.size())), number_value(quantile(ratios, 0.05)),
             number_value(quantile(ratios, 0.5)), number_value(quantile(ratios, 0.95)),
             number_value(ratios.front()), number_value(ratios.back()),
             percent_value(static_cast<double>(below) / static_cast<double>(ratios.size())),
             text_value(point.cell->file)});
      }
  for (const auto& [family, ratios] : families) {
    figure.charts.push_back(histogram(family.second, "effective k / k", ratios, 1));
    figure.charts.back().name = file_name("effective-k " + family.second);
  }
  return figure;
}

}  // namespace toptheta::page
