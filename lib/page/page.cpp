#include "page/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "page/cell_figures.hpp"
#include "page/markup.hpp"
#include "page/summary.hpp"
#include "page/table_sections.hpp"

namespace toptheta::page {

namespace {

// A cell of a heat map takes about a hundred bytes.
constexpr std::size_t kMostMapCells = 9000;

struct HeadFigures {
  std::vector<Figure> figures{};
  std::vector<std::string> left_out{};  // titles of groups
};

HeadFigures head_figures(const std::vector<Group>& groups) {
  HeadFigures result;
  std::size_t drawn = 0;
  for (const Group& group : groups) {
    const Choice choice = choice_of(group);
    const Cell* cell = choice.cell != nullptr ? choice.cell : group.dense;
    Figure heads = head_figure(group, *cell);
    if (heads.charts.empty()) continue;
    drawn += heads.charts.size() * cell->heads.size();
    if (drawn > kMostMapCells && !result.figures.empty()) {
      result.left_out.push_back(group.title);
      continue;
    }
    Figure rows = kv_group_figure(group, *cell);
    result.figures.push_back(std::move(heads));
    if (!rows.charts.empty()) result.figures.push_back(std::move(rows));
  }
  return result;
}

std::string format_heads(const std::vector<Group>& groups) {
  const HeadFigures heads = head_figures(groups);
  std::string html = "<h2 id='heads-and-layers'>Which layers and heads</h2>";
  html += heads.figures.empty() ? "<p>These results hold no figures of single heads.</p>"
                                : "<p class='lead'>For the settings of the summary. Each row of a map is a "
                                  "layer, each column a query head "
                                  "or KV group. A layer that loses much softmax mass need not be the one "
                                  "that costs most: the command "
                                  "under Layers in the summary measures that.</p>";
  for (const Figure& figure : heads.figures)
    html += format_figure(figure);
  if (!heads.left_out.empty()) {
    html +=
        "<p>To keep the page small, these are left out (tt-eval report on the file of one cell shows its "
        "heads): ";
    for (std::size_t i = 0; i < heads.left_out.size(); ++i)
      html += (i == 0 ? "" : "; ") + escaped(heads.left_out[i]);
    html += ".</p>";
  }
  return html;
}

// The targets of a table that cells use, in the order of the table.
std::vector<const Target*> targets_used(const NamedTable& named, const std::vector<Cell>& cells) {
  std::set<std::int64_t> used;
  for (const Cell& cell : cells)
    if (cell.policy.thresholds == named.path) used.insert(cell.policy.k);
  std::vector<const Target*> targets;
  for (const Target& target : named.table.targets)
    if (used.contains(target.k)) targets.push_back(&target);
  if (targets.empty())
    for (const Target& target : named.table.targets)
      targets.push_back(&target);
  return targets;
}

// Among the k of the table, the one that the page mentions first.
const Target* target_of_choice(const std::vector<Group>& groups, const NamedTable& named,
                               const std::vector<const Target*>& targets) {
  for (const Group& group : groups)
    if (const Cell* cell = choice_of(group).cell; cell != nullptr && cell->policy.thresholds == named.path)
      for (const Target* target : targets)
        if (target->k == cell->policy.k) return target;
  return targets.front();
}

std::string format_tables(const std::vector<Group>& groups, const std::vector<Cell>& cells,
                          const std::vector<NamedTable>& tables, const std::optional<AuditFile>& audit) {
  std::string html = "<h2 id='thresholds'>Thresholds and their calibration</h2>";
  if (tables.empty()) html += "<p>No cell names a threshold table.</p>";
  bool is_first = true;
  for (const NamedTable& named : tables) {
    html += fmt::format("<h3>{}</h3>", escaped(named.path));
    if (!named.problem.empty()) {
      html += fmt::format("<p>Not shown: {}.</p>", escaped(named.problem));
      continue;
    }
    const std::vector<const Target*> targets = targets_used(named, cells);
    if (targets.empty()) continue;
    html += format_table_sections(named.table, {target_of_choice(groups, named, targets)}, targets,
                                  is_first ? "" : named.digest.substr(0, 8));
    is_first = false;
  }
  return html + format_audit(audit);
}

std::string format_provenance(const std::vector<Cell>& cells) {
  return "<h2 id='provenance'>How this was made</h2><p>Each result can be reproduced by one command. Input "
         "files are identified by their digests.</p>" +
         format_long_table(inputs_of(cells), "Input files") +
         format_long_table(commands_of(cells), "Commands");
}

std::string count_of(const std::vector<Cell>& cells, const std::vector<Group>& groups) {
  std::set<std::string> models;
  for (const Cell& cell : cells)
    models.insert(fmt::format("\"{}\"{}", cell.model.name,
                              cell.model.sha256.empty() ? "" : " (" + cell.model.sha256.substr(0, 12) + ")"));
  std::string text;
  for (const std::string& model : models)
    text += (text.empty() ? "" : ", ") + model;
  return fmt::format(
      "<p class='lead'>{} cells of {} task{} and phase{} on {} {}. Losses are against dense "
      "attention on the same examples.</p>",
      cells.size(), groups.size(), groups.size() == 1 ? "" : "s", groups.size() == 1 ? "" : "s",
      models.size() == 1 ? "model" : "models", escaped(text));
}

// A page is passed on without the documentation.
constexpr const char* kWords =
    "<details><summary>What the words mean</summary><dl>"
    "<dt>topk</dt><dd>keeps the k largest scores of each row of attention scores</dd>"
    "<dt>theta</dt><dd>keeps what is above a threshold that was calibrated for the layer, head and row "
    "length, so that about k keys are kept</dd>"
    "<dt>post-softmax</dt><dd>thresholds apply to softmax weights, otherwise to scores; running-softmax: to "
    "weights "
    "relative to the keys seen so far</dd>"
    "<dt>sdc</dt><dd>compensation of the softmax denominator for what was dropped</dd>"
    "<dt>vmc</dt><dd>the weight that was lost goes to the mean of the values</dd>"
    "<dt>tac</dt><dd>thresholds were calibrated on rows that top-k had made sparse</dd>"
    "<dt>elements</dt><dd>attention weights kept, of all that causality allows</dd>"
    "<dt>V rows</dt><dd>rows of the value cache that some head of a KV group needs: in prefill for some row "
    "of the text, "
    "in decode per step. Memory traffic follows them</dd>"
    "<dt>tiles</dt><dd>blocks of rows times keys; a kernel can skip those in which nothing is kept</dd>"
    "<dt>lost mass</dt><dd>dense softmax weight of the dropped keys, before compensation</dd>"
    "<dt>effective k</dt><dd>how many keys rows really keep; divided by the k asked for, it should be 1</dd>"
    "<dt>prefill, decode</dt><dd>the text in one pass, or token by token through the "
    "cache</dd></dl></details>";

constexpr const char* kNavigation =
    "<nav aria-label='Sections'><a href='#trade-off'>Trade-off</a><a href='#settings'>Settings for 1%</a><a "
    "href='#heads-and-layers'>Layers and heads</a><a href='#effective-k-section'>Effective k</a><a "
    "href='#thresholds'>Thresholds</a><a href='#all'>All cells</a><a href='#provenance'>How this was "
    "made</a></nav>";

std::string format_trade_offs(const std::vector<Group>& groups) {
  std::string html = fmt::format(
      "<h2 id='trade-off'>The trade-off</h2><p class='lead'>Points further left are cheaper, points further "
      "down closer to dense. Bars are 95% intervals, and the dashed line is 1% loss. On logarithmic axes, "
      "losses below {} are drawn at that value. To read a mark, hover over it, or focus the chart and use "
      "the arrow keys.</p>",
      percent(kLossFloor));
  for (const Group& group : groups)
    if (!group.series.empty()) html += format_figure(trade_off_figure(group, Room::narrow));
  return html;
}

std::string format_effective_k(const std::vector<Group>& groups) {
  const Figure figure = effective_k_figure(groups);
  return "<h2 id='effective-k-section'>Effective k</h2>" +
         (figure.charts.empty() ? "<p>No cell has a k that its rows could miss.</p>" : format_figure(figure));
}

}  // namespace

std::vector<Chart> charts_of(const std::vector<Cell>& cells, const std::vector<NamedTable>& tables) {
  const std::vector<Group> groups = group_cells(cells);
  std::vector<Chart> charts;
  const auto add = [&charts](Figure figure) {
    std::move(figure.charts.begin(), figure.charts.end(), std::back_inserter(charts));
  };
  for (const Group& group : groups)
    if (!group.series.empty()) add(trade_off_figure(group, Room::wide));
  for (Figure& figure : head_figures(groups).figures)
    add(std::move(figure));
  add(effective_k_figure(groups));
  for (const NamedTable& named : tables) {
    if (!named.problem.empty()) continue;
    const std::vector<const Target*> targets = targets_used(named, cells);
    if (targets.empty()) continue;
    for (Figure& figure : table_figures(named.table, {target_of_choice(groups, named, targets)}, targets)) {
      if (tables.size() > 1)
        for (Chart& chart : figure.charts)
          chart.name = file_name(std::filesystem::path(named.path).stem().string() + " " + chart.name);
      add(std::move(figure));
    }
  }
  make_names_unique(charts);
  return charts;
}

std::string format_page(const std::vector<Cell>& cells, const std::vector<NamedTable>& tables,
                        const std::optional<AuditFile>& audit) {
  const std::vector<Group> groups = group_cells(cells);
  const std::string title = headline_of(groups);
  const std::string html =
      fmt::format("<h1>{}</h1>{}{}", escaped(title), count_of(cells, groups), kNavigation) +
      "<h2 id='answers-in-words'>Summary</h2>" + format_cards(groups) + kWords + format_trade_offs(groups) +
      "<h2 id='settings'>Which setting for 1% loss?</h2><p class='lead'>For each policy, the cheapest "
      "setting that was run and stays within 1%, and what the next cheaper setting loses.</p>" +
      format_table(answers_of(groups), Filter::none) + format_heads(groups) + format_effective_k(groups) +
      format_tables(groups, cells, tables, audit) + "<h2 id='all'>All cells</h2>" +
      format_table(all_cells(groups), Filter::words) + format_provenance(cells);
  return format_document(title, html);
}

}  // namespace toptheta::page
