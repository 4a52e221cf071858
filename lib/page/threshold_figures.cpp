#include "page/threshold_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/number_list.hpp"
#include "page/markup.hpp"
#include "page/threshold_curves.hpp"
#include "theta/thin_cells.hpp"

namespace toptheta::page {

namespace {

constexpr int kLengthClasses = 24;
constexpr std::size_t kMostLayers = 12;
constexpr std::size_t kMostTargets = 6;

// At most `most` of them, evenly spaced, including the first and the last.
template <class T>
std::vector<T> spread_out(const std::vector<T>& all, std::size_t most) {
  if (all.size() <= most) return all;
  std::vector<T> some;
  some.reserve(most);
  for (std::size_t i = 0; i < most; ++i)
    some.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return some;
}

std::vector<std::int64_t> layers_of(const ThresholdTable& table) {
  std::vector<std::int64_t> layers;
  layers.reserve(static_cast<std::size_t>(table.meta.shape.num_layers));
  for (std::int64_t layer = 0; layer < table.meta.shape.num_layers; ++layer)
    layers.push_back(layer);
  return layers;
}

std::string name_of_target(const Target& target) {
  return "k=" + format_k(target.k);
}

std::string theta_name(const ThresholdTable& table) {
  return table.meta.placement == Placement::pre_softmax ? "θ (score)" : "θ (softmax weight)";
}

Line line_of(const Target& target, const std::vector<LengthPoint>& points, bool must_be_positive) {
  Line line;
  line.name = name_of_target(target);
  for (const LengthPoint& point : points) {
    line.x.push_back(point.length);
    line.y.push_back(point.theta);
    const double low = point.theta - point.std;
    line.low.push_back(must_be_positive && low <= 0 ? point.theta / 2 : low);
    line.high.push_back(point.theta + point.std);
  }
  return line;
}

void add_points(DataTable& data, const Target& target, std::int64_t layer,
                const std::vector<LengthPoint>& points) {
  for (const LengthPoint& point : points)
    data.rows.push_back({text_value(format_k(target.k)), count_value(layer), number_value(point.length, true),
                         number_value(point.theta, true), number_value(point.std, true),
                         number_value(point.lowest, true), number_value(point.highest, true),
                         number_value(point.rows, true), count_value(point.fewest)});
}

std::string what_is_drawn(const ThresholdTable& table, std::size_t layers, std::size_t targets,
                          std::size_t all_targets) {
  const auto all_layers = static_cast<std::size_t>(table.meta.shape.num_layers);
  std::string text;
  if (layers < all_layers) text += fmt::format(" {} of {} layers are drawn.", layers, all_layers);
  if (targets < all_targets) text += fmt::format(" {} of {} k are drawn.", targets, all_targets);
  return text;
}

// The median over single heads.
double median_of(std::vector<double> values) {
  if (values.empty()) return kNotCalibrated;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

Figure threshold_maps(const ThresholdTable& table, const Target& target) {
  const std::vector<HeadThresholds> heads = heads_of(target);
  MapData theta{
      "θ, mean over rows", "head", table.meta.shape.num_layers, table.meta.shape.num_heads, {}, false, false};
  MapData spread = theta;
  spread.title = "Spread between rows of one length (std)";
  spread.from_zero = true;
  MapData mass = theta;
  mass.title = "Softmax mass that the k largest hold";
  mass.as_percent = true;
  mass.from_zero = true;
  Figure figure;
  figure.title = fmt::format("Thresholds of every head, {}", name_of_target(target));
  figure.note =
      "A head whose rows differ much keeps more than k in some rows and less in others. The outlined cell is "
      "the highest; empty cells are dense or not calibrated.";
  figure.data = {fmt::format("thresholds-k{}", format_k(target.k)),
                 {"layer", "head", "k", "theta", "std", "kept mass", "rows", "thresholds", "shortest row",
                  "longest row"},
                 {}};
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const HeadThresholds& head = heads[i];
    theta.values.push_back(head.theta);
    spread.values.push_back(head.std);
    mass.values.push_back(head.kept_mass);
    const auto at = static_cast<std::int64_t>(i);
    figure.data.rows.push_back({count_value(at / theta.columns), count_value(at % theta.columns),
                                text_value(format_k(head.k)), number_value(head.theta, true),
                                number_value(head.std, true), number_value(head.kept_mass, true),
                                count_value(head.rows), count_value(head.entries), count_value(head.shortest),
                                count_value(head.longest)});
  }
  for (const MapData* map : {&theta, &spread, &mass})
    if (std::any_of(map->values.begin(), map->values.end(), [](double v) { return std::isfinite(v); }))
      figure.charts.push_back(heat_map(*map));
  for (Chart& chart : figure.charts)
    chart.name = file_name(fmt::format("theta {} {}", chart.title, name_of_target(target)));
  return figure;
}

Figure thresholds_by_length(const ThresholdTable& table, const std::vector<const Target*>& targets) {
  const std::vector<std::int64_t> layers = spread_out(layers_of(table), kMostLayers);
  const std::vector<const Target*> drawn = spread_out(targets, kMostTargets);
  const bool is_weight = table.meta.placement != Placement::pre_softmax;
  Figure figure;
  figure.title = "θ against the row length";
  figure.note =
      "Lines are means over the layer's heads. Bands are one standard deviation between rows of one length, "
      "to either side." +
      what_is_drawn(table, layers.size(), drawn.size(), targets.size());
  figure.data = {"thresholds-by-length",
                 {"k", "layer", "row length", "theta", "std", "lowest head", "highest head",
                  "rows per threshold", "fewest rows"},
                 {}};
  for (std::size_t i = 0; i < drawn.size(); ++i)
    figure.key.push_back({name_of_target(*drawn[i]), i, true});
  for (const std::int64_t layer : layers) {
    LineData data{fmt::format("layer {}", layer), "row length", theta_name(table), {}, is_weight};
    for (const Target* target : drawn) {
      const std::vector<LengthPoint> points = by_length(table, *target, layer, kLengthClasses);
      data.lines.push_back(line_of(*target, points, is_weight));
      add_points(figure.data, *target, layer, points);
    }
    figure.charts.push_back(line_chart(data));
    figure.charts.back().name = fmt::format("theta-by-length-layer-{}", layer);
  }
  return figure;
}

Figure rows_by_length(const std::vector<const Target*>& targets) {
  Figure figure;
  figure.title = "Calibration rows per threshold, against the row length";
  figure.note = fmt::format(
      "Mean over layers and heads; the band reaches down to the fewest. Below {} rows, single documents have "
      "much influence on a threshold.",
      kThinRows);
  LineData data{figure.title, "row length", "rows", {}, true};
  figure.data = {"rows-by-length", {"k", "row length", "rows per threshold", "fewest rows"}, {}};
  const std::vector<const Target*> drawn = spread_out(targets, kMostTargets);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    figure.key.push_back({name_of_target(*drawn[i]), i, true});
    Line line;
    line.name = name_of_target(*drawn[i]);
    for (const LengthPoint& point : by_length(*drawn[i], kLengthClasses)) {
      line.x.push_back(point.length);
      line.y.push_back(point.rows);
      line.low.push_back(static_cast<double>(point.fewest));
      line.high.push_back(point.rows);
      figure.data.rows.push_back({text_value(format_k(drawn[i]->k)), number_value(point.length, true),
                                  number_value(point.rows, true), count_value(point.fewest)});
    }
    data.lines.push_back(std::move(line));
  }
  figure.charts.push_back(line_chart(data));
  return figure;
}

DataTable health_of(const std::vector<const Target*>& targets) {
  DataTable health{"calibration-health",
                   {"k", "heads", "dense heads", "thresholds", "calibration rows", "shortest row",
                    "longest row", "thin (< 8 rows)", "interpolated", "median std", "highest std"},
                   {}};
  static_assert(kThinRows == 8);
  for (const Target* target : targets) {
    HeadThresholds sum;
    std::int64_t dense = 0;
    std::vector<double> spreads;
    for (const HeadThresholds& head : heads_of(*target)) {
      dense += head.k == kDenseK ? 1 : 0;
      if (head.entries == 0) continue;
      sum.shortest = sum.entries == 0 ? head.shortest : std::min(sum.shortest, head.shortest);
      sum.longest = std::max(sum.longest, head.longest);
      sum.entries += head.entries;
      sum.rows += head.rows;
      sum.thin += head.thin;
      sum.interpolated += head.interpolated;
      spreads.push_back(head.std);
    }
    const double highest =
        spreads.empty() ? kNotCalibrated : *std::max_element(spreads.begin(), spreads.end());
    health.rows.push_back({text_value(format_k(target->k)),
                           count_value(static_cast<std::int64_t>(target->cells.size())), count_value(dense),
                           count_value(sum.entries), count_value(sum.rows), count_value(sum.shortest),
                           count_value(sum.longest), count_value(sum.thin), count_value(sum.interpolated),
                           number_value(median_of(spreads)), number_value(highest)});
  }
  return health;
}

std::vector<std::string> findings_of(const ThresholdTable& table, const std::vector<const Target*>& targets) {
  // A sentence that is true of several k appears once.
  std::vector<std::pair<std::string, std::string>> said;  // text, and the k of which it is true
  const auto say = [&said](const std::string& text, std::int64_t k) {
    const auto known = std::find_if(said.begin(), said.end(), [&](const auto& s) { return s.first == text; });
    if (known == said.end())
      said.emplace_back(text, format_k(k));
    else
      known->second += ", " + format_k(k);
  };
  for (const Target* target : targets) {
    for (const std::string& thin : describe(thin_cells(*target), 2))
      say(thin.substr(thin.find(": ") + 2), target->k);
    const std::vector<HeadThresholds> heads = heads_of(*target);
    const auto widest = std::max_element(heads.begin(), heads.end(), [](const auto& a, const auto& b) {
      return (std::isnan(a.std) ? -1 : a.std) < (std::isnan(b.std) ? -1 : b.std);
    });
    if (widest == heads.end() || !(widest->std > 0)) continue;
    const auto at = widest - heads.begin();
    say(fmt::format("rows of one length differ most in layer {}, head {}", at / table.meta.shape.num_heads,
                    at % table.meta.shape.num_heads),
        target->k);
  }
  std::vector<std::string> findings;
  findings.reserve(said.size());
  for (const auto& [text, k] : said)
    findings.push_back(fmt::format("k = {}: {}.", k, text));
  return findings;
}

}  // namespace toptheta::page
