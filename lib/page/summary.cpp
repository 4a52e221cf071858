#include "page/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page/markup.hpp"

namespace toptheta::page {

namespace {

std::string saved(double share, const char* does, const char* thing) {
  if (std::isnan(share)) return "not measured";
  std::string text = fmt::format("{} {} of the {}", does, percent(share), thing);
  if (share > 0 && share < 0.995)
    text += fmt::format(", {:.{}f} times fewer", 1 / share, share > 0.1 ? 1 : 0);
  return text;
}

std::string tiles_of(const Cell& cell) {
  if (std::isnan(cell.total.empty_tiles)) return "not measured";
  return cell.total.empty_tiles == 0
             ? "none can be skipped, since every tile keeps something"
             : fmt::format("{} can be skipped, since they keep nothing", percent(cell.total.empty_tiles));
}

// Where a quantity is highest, and its share of the sum.
struct Peak {
  std::size_t at = 0;
  double value = kAbsent;
  double part = kAbsent;
};

Peak peak_of(const std::vector<Sparsity>& places, double Sparsity::*what) {
  Peak peak;
  double sum = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const double value = places[i].*what;
    if (std::isnan(value)) continue;
    sum += value;
    if (!(value <= peak.value)) peak = {i, value, kAbsent};
  }
  if (sum > 0) peak.part = peak.value / sum;
  return peak;
}

std::string blame_by(const Cell& cell, double Sparsity::*what, const char* name) {
  const Peak layer = peak_of(cell.layers, what);
  const Peak head = peak_of(cell.heads, what);
  if (std::isnan(layer.value) && std::isnan(head.value)) return "";
  std::string text = name;
  if (!std::isnan(layer.value))
    text += fmt::format(" is highest in layer {}: {} ({} of all layers' sum)", layer.at, percent(layer.value),
                        percent(layer.part));
  if (!std::isnan(head.value)) {
    const auto at = static_cast<std::int64_t>(head.at);
    text +=
        fmt::format("{} layer {}, head {}: {}", std::isnan(layer.value) ? " is highest in" : "; of heads in",
                    at / cell.model.heads, at % cell.model.heads, percent(head.value));
  }
  return text + ".";
}

// Which layers cost what, the figures of one run do not say.
std::string layers_text(const Cell& cell) {
  const std::string mass = blame_of(cell);
  if (mass.empty()) return "";
  const std::string command = sensitivity_command(cell.provenance.command);
  return fmt::format(
      "{} Mass is not yet loss: compensation gives much of it back, and layers differ in how much they "
      "matter. To measure what each layer costs by itself: <code>{}</code>",
      escaped(mass), escaped(command.empty() ? "tt-eval sensitivity --help" : command));
}

std::string how_many(const Cell& cell) {
  return fmt::format("{} example{}", cell.task.examples, cell.task.examples == 1 ? "" : "s");
}

std::string standing_of(const Choice& choice) {
  if (choice.point == nullptr || !choice.point->loss.known())
    return "the cheapest; there is no dense cell to compare with";
  if (choice.sure) return "the cheapest within 1% of dense, with 95% confidence";
  if (choice.within && !choice.point->loss.has_interval())
    return "the cheapest within 1% of dense; a single example gives no interval";
  if (choice.within) return "the cheapest within 1% of dense by its mean; its interval reaches beyond";
  return "no setting stays within 1% of dense; this one comes closest";
}

std::string format_card(const Group& group) {
  const Choice choice = choice_of(group);
  std::string html = fmt::format("<section class='card'><h3>{}</h3>", escaped(group.title));
  if (choice.cell == nullptr) return html + "<p>Only dense attention was run.</p></section>";
  const Cell& cell = *choice.cell;
  html += "<dl>";
  const auto add = [&html](const char* term, const std::string& text) {
    if (!text.empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>", term, text);
  };
  add("Setting", fmt::format("<b>{}</b>, {}", escaped(describe(cell.policy)), standing_of(choice)));
  if (choice.point != nullptr && choice.point->loss.known())
    add("Loss", escaped(fmt::format("{}, on {}", describe(choice.point->loss, group), how_many(cell))));
  add("Elements", saved(cell.total.kept, "keeps", "attention elements"));
  add("V rows", saved(cell.total.v_rows, "reads", "V rows"));
  add("Tiles", tiles_of(cell));
  add("Layers", layers_text(cell));
  if (!cell.provenance.command.empty())
    add("Command", fmt::format("<code>{}</code>", escaped(cell.provenance.command)));
  return html + "</dl></section>";
}

}  // namespace

Choice choice_of(const Group& group) {
  const Series* series = nullptr;
  if (const Point* sure = cheapest_within(group, kLossLimit, true, &series))
    return {sure->cell, sure, true, true};
  if (const Point* within = cheapest_within(group, kLossLimit, false, &series))
    return {within->cell, within, true, false};
  const Point* best = nullptr;
  for (const Series& candidate : group.series)
    if (const Point* point = closest_to_dense(candidate))
      if (best == nullptr || point->loss.value < best->loss.value) best = point;
  for (const Series& candidate : group.series)
    if (best == nullptr && !candidate.points.empty()) best = &candidate.points.front();
  return best == nullptr ? Choice{} : Choice{best->cell, best, false, false};
}

std::string headline_of(const std::vector<Group>& groups) {
  const Group& group = groups.front();
  const Choice choice = choice_of(group);
  if (choice.cell == nullptr) return "Dense attention on " + group.title;
  const std::string name = describe(choice.cell->policy);
  const std::string kept = percent(choice.cell->total.kept);
  if (choice.within)
    return fmt::format("{} stays within 1% of dense{} and keeps {} of the attention elements ({})", name,
                       choice.sure ? "" : " by its mean", kept, group.title);
  if (!choice.point->loss.known()) return fmt::format("{} keeps {} of the attention elements", name, kept);
  return fmt::format("No setting stays within 1% of dense on {}; {} comes closest", group.title, name);
}

std::string format_cards(const std::vector<Group>& groups) {
  std::string html = "<div class='cards'>";
  for (const Group& group : groups)
    html += format_card(group);
  return html + "</div>";
}

DataTable answers_of(const std::vector<Group>& groups) {
  DataTable table{"answers",
                  {"task", "policy", "setting", "within 1%", "loss", "low", "high", "kept elements", "V rows",
                   "empty tiles", "next cheaper setting", "its loss"},
                  {}};
  for (const Group& group : groups)
    for (const Series& series : group.series) {
      const Point* sure = cheapest_within(series, kLossLimit, true);
      const Point* within = cheapest_within(series, kLossLimit, false);
      const Point* point = sure != nullptr ? sure : within != nullptr ? within : closest_to_dense(series);
      if (point == nullptr) continue;
      const Point* cheaper = point != &series.points.front() ? point - 1 : nullptr;
      const auto loss = [&](double value) {
        return group.is_share() ? percent_value(value) : number_value(value);
      };
      table.rows.push_back({text_value(group.title), text_value(series.name),
                            text_value(knob_of(point->cell->policy)),
                            text_value(sure != nullptr     ? "yes, with 95% confidence"
                                       : within != nullptr ? "by its mean"
                                                           : "no; closest setting"),
                            loss(point->loss.value), loss(point->loss.low), loss(point->loss.high),
                            percent_value(point->cell->total.kept), percent_value(point->cell->total.v_rows),
                            percent_value(point->cell->total.empty_tiles),
                            text_value(cheaper != nullptr ? knob_of(cheaper->cell->policy) : ""),
                            loss(cheaper != nullptr ? cheaper->loss.value : kAbsent)});
    }
  return table;
}

std::string sensitivity_command(const std::string& command) {
  constexpr std::string_view kRun = "tt-eval run ";
  constexpr std::string_view kDense = "--attention dense --attention ";
  const std::size_t dense = command.find(kDense);
  if (!command.starts_with(kRun) || dense == std::string::npos) return "";
  const std::string before = command.substr(kRun.size(), dense - kRun.size());
  const std::string after = command.substr(dense + kDense.size());
  const std::size_t next = after.find(' ');
  if (next != std::string::npos && after[next + 1] != '-') return "";  // a second policy
  for (const char* flag : {"--attention ", "-o ", "--output ", "--json ", "--samples ", "--log-samples ",
                           "--fail-if ", "--overview", "--resume", "--format "})
    if ((before + after).find(flag) != std::string::npos) return "";
  return fmt::format("tt-eval sensitivity {}--attention {}", before, after);
}

std::string blame_of(const Cell& cell) {
  const std::string lost = blame_by(cell, &Sparsity::lost_mass, "Softmax mass lost, before compensation,");
  const std::string error = blame_by(cell, &Sparsity::output_error, "The error of the attention output");
  return lost.empty() || error.empty() ? lost + error : error + " " + lost;
}

}  // namespace toptheta::page
