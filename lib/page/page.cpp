#include "page/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "page/assets.hpp"
#include "page/markup.hpp"

namespace toptheta::page {

namespace {

constexpr double kLimit = 0.01;

std::string saved(double share) {
  return share > 0 ? fmt::format("{} ({:.1f}x fewer)", percent(share), 1 / share) : percent(share);
}

// Of all series the point within the limit that keeps the fewest elements.
const Point* best_of(const Group& group, const Series** series) {
  const Point* best = nullptr;
  for (const Series& candidate : group.series) {
    const Point* point = cheapest_within(candidate, kLimit, false);
    if (point == nullptr || (best != nullptr && point->cell->total.kept >= best->cell->total.kept)) continue;
    best = point;
    *series = &candidate;
  }
  return best;
}

std::string headline_of(const Group& group) {
  const Series* series = nullptr;
  const Point* best = best_of(group, &series);
  if (best == nullptr)
    return group.dense == nullptr ? "No dense cell to compare with"
                                  : "No cell stays within 1% of dense on " + group.title;
  return fmt::format("{} stays within 1% of dense with {} of the attention elements",
                     describe(best->cell->policy), percent(best->cell->total.kept));
}

// "layer 0 loses most of the softmax mass: 12.3%, head 4 of layer 0 most of all heads (40%)"
std::string blame_of(const Cell& cell) {
  const auto heavier = [](const Sparsity& a, const Sparsity& b) { return a.lost_mass < b.lost_mass; };
  if (cell.layers.empty() || cell.heads.empty()) return "";
  const auto layer = std::max_element(cell.layers.begin(), cell.layers.end(), heavier);
  const auto head = std::max_element(cell.heads.begin(), cell.heads.end(), heavier) - cell.heads.begin();
  return fmt::format(
      "Most softmax mass is lost in layer {} ({} a row), of all heads in layer {}, head {} ({}).",
      layer - cell.layers.begin(), percent(layer->lost_mass), head / cell.model.heads,
      head % cell.model.heads, percent(cell.heads[static_cast<std::size_t>(head)].lost_mass));
}

std::string summary_of(const Group& group) {
  const Series* series = nullptr;
  const Point* best = best_of(group, &series);
  if (best == nullptr) return "";
  const Cell& cell = *best->cell;
  return fmt::format(
      "<p class='lead'>On {}: {} lost ({} to {}, 95%); {} of the elements, {} of the V rows; {} of the tiles "
      "are empty. {}</p>",
      escaped(group.title), percent(best->loss.value), percent(best->loss.low), percent(best->loss.high),
      saved(cell.total.kept), saved(cell.total.v_rows), percent(cell.total.empty_tiles),
      escaped(blame_of(cell)));
}

std::string answers(const std::vector<Group>& groups) {
  std::string html =
      "<h2>Which setting for 1% loss?</h2><div class='scroll'><table><thead><tr><th>task<th>policy<th>setting"
      "<th>loss<th>95%<th>elements<th>V rows<th>empty tiles</tr></thead><tbody>";
  for (const Group& group : groups)
    for (const Series& series : group.series) {
      const Point* point = cheapest_within(series, kLimit, false);
      html += fmt::format("<tr><td>{}<td>{}", escaped(group.title), escaped(series.name));
      if (point == nullptr) {
        html += "<td colspan='6'>none of those tried</tr>";
        continue;
      }
      html +=
          fmt::format("<td>{}<td>{}<td>{} to {}<td>{}<td>{}<td>{}</tr>",
                      escaped(knob_of(point->cell->policy)), percent(point->loss.value),
                      percent(point->loss.low), percent(point->loss.high), percent(point->cell->total.kept),
                      percent(point->cell->total.v_rows), percent(point->cell->total.empty_tiles));
    }
  return html + "</tbody></table></div>";
}

std::string all_cells(const std::vector<Cell>& cells) {
  std::string html =
      "<h2>All cells</h2><p><label>Filter <input id='filter' type='search'></label> "
      "<button class='csv' data-of='cells'>CSV</button> <span id='count' role='status'></span></p>"
      "<div class='scroll'><table id='cells'><thead><tr>";
  std::set<std::string> metrics;
  for (const Cell& cell : cells)
    for (const auto& [name, value] : cell.metrics)
      metrics.insert(name);
  for (const char* name :
       {"policy", "task", "phase", "kept elements", "V rows", "empty tiles", "effective k / k", "lost mass"})
    html += fmt::format("<th aria-sort='none'><button>{}</button>", name);
  for (const std::string& name : metrics)
    html += fmt::format(
        "<th aria-sort='none'><button>{}</button><th aria-sort='none'><button>± (stderr)</button>",
        escaped(name));
  html += "<th aria-sort='none'><button>file</button></tr></thead><tbody>";
  const auto number = [&](double value) {
    html += fmt::format("<td data-v='{}'>{}", exact_number(value), short_number(value));
  };
  for (const Cell& cell : cells) {
    html += fmt::format("<tr><td>{}<td>{}<td>{}", escaped(describe(cell.policy)), escaped(cell.task.name),
                        escaped(cell.phase));
    for (const double value : {cell.total.kept, cell.total.v_rows, cell.total.empty_tiles,
                               cell.total.effective_k, cell.total.lost_mass})
      number(value);
    for (const std::string& name : metrics) {
      const Estimate* metric = cell.metric(name);
      number(metric != nullptr ? metric->value : kAbsent);
      number(metric != nullptr ? metric->error : kAbsent);
    }
    html += fmt::format("<td>{}</tr>", escaped(cell.file));
  }
  return html + "</tbody></table></div>";
}

std::string provenance_of(const std::vector<Cell>& cells) {
  std::set<std::string> lines;
  for (const Cell& cell : cells) {
    lines.insert(fmt::format("<li><code>{}</code><br>version {}, commit {}, seed {}",
                             escaped(cell.provenance.command), escaped(cell.provenance.version),
                             escaped(cell.provenance.commit), cell.provenance.seed));
    for (const InputFile& input : cell.provenance.inputs)
      lines.insert(fmt::format("<li>{} <code>{}</code>", escaped(input.path), escaped(input.sha256)));
  }
  std::string html = "<h2>Provenance</h2><ul>";
  for (const std::string& line : lines)
    html += line;
  return html + "</ul>";
}

std::string figure_of(const Chart& chart) {
  return fmt::format("<figure><figcaption>{}</figcaption>{}</figure>", escaped(chart.title), chart.svg);
}

// Of the cells that the summary speaks of, one for each group.
void add_maps(const Group& group, std::vector<Chart>& charts) {
  const Series* series = nullptr;
  const Point* best = best_of(group, &series);
  if (best == nullptr) return;
  const Cell& cell = *best->cell;
  std::vector<double> kept;
  std::vector<double> lost;
  for (const Sparsity& head : cell.heads) {
    kept.push_back(head.kept);
    lost.push_back(head.lost_mass);
  }
  const std::string where = fmt::format("{}, {}", group.title, describe(cell.policy));
  if (!kept.empty()) {
    charts.push_back(
        heat_map("Elements kept: " + where, "head", cell.model.layers, cell.model.heads, kept, true));
    charts.push_back(
        heat_map("Mass lost: " + where, "head", cell.model.layers, cell.model.heads, lost, true));
  }
  if (!cell.group_v_rows.empty())
    charts.push_back(heat_map("V rows: " + where, "KV group", cell.model.layers, cell.model.kv_heads,
                              cell.group_v_rows, true));
}

std::vector<Chart> charts_of_groups(const std::vector<Group>& groups, int width) {
  std::vector<Chart> charts;
  for (const Group& group : groups) {
    if (group.dense == nullptr || group.series.empty()) continue;
    for (const Cost cost : {Cost::elements, Cost::v_rows, Cost::tiles})
      charts.push_back(trade_off_chart(group, cost, width));
  }
  return charts;
}

}  // namespace

std::vector<Chart> charts_of(const std::vector<Cell>& cells) {
  const std::vector<Group> groups = group_cells(cells);
  std::vector<Chart> charts = charts_of_groups(groups, 860);
  for (const Group& group : groups)
    add_maps(group, charts);
  return charts;
}

std::string format_page(const std::vector<Cell>& cells) {
  const std::vector<Group> groups = group_cells(cells);
  std::string html = fmt::format(
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
      "content='width=device-width,initial-scale=1'>"
      "<link rel='icon' "
      "href='data:,'><title>{0}</title><style>{1}</style></head><body><main><p><b>Top-Theta</b> "
      "<button id='theme'>light or dark</button></p><h1>{0}</h1>",
      escaped(headline_of(groups.front())), kPageStyle);
  for (const Group& group : groups)
    html += summary_of(group);
  html +=
      "<h2>The trade-off</h2><p>Bars are 95% intervals, the dashed line is 1% loss; losses below 0.01% are "
      "drawn there.</p><div class='charts'>";
  for (const Chart& chart : charts_of_groups(groups, 430))
    html += figure_of(chart);
  html += "</div>" + answers(groups) + "<h2>Layers and heads</h2><div class='charts'>";
  std::vector<Chart> maps;
  for (const Group& group : groups)
    add_maps(group, maps);
  for (const Chart& chart : maps)
    html += figure_of(chart);
  return html + "</div>" + all_cells(cells) + provenance_of(cells) +
         fmt::format("<div id='tip' role='status'></div></main><script>{}</script></body></html>\n",
                     kPageScript);
}

}  // namespace toptheta::page
