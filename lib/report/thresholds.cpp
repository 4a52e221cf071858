#include "report/thresholds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "core/error.hpp"
#include "report/json.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

void require_below(std::int64_t value, std::int64_t bound, const char* flag, const char* thing) {
  if (value >= 0 && value < bound) return;
  throw UsageError({.where = flag,
                    .what = fmt::format("the table has no {} {}", thing, value),
                    .expected = fmt::format("0 to {}", bound - 1)});
}

// Means over calibration rows of some entries; interpolated entries count as one row.
struct Aggregate {
  std::int64_t entries = 0;
  std::int64_t rows = 0;
  std::int32_t shortest = 0;
  std::int32_t longest = 0;
  double weight = 0;
  double theta = 0;
  double std = 0;
  double kept_mass = 0;
  double sdc = 0;
  double sdc_weight = 0;
  double rho = 0;
  double rho_weight = 0;

  void add(const ThresholdEntry& entry) {
    shortest = entries == 0 ? entry.length : std::min(shortest, entry.length);
    longest = std::max(longest, entry.length);
    ++entries;
    rows += entry.count;
    const double w = static_cast<double>(std::max<std::int64_t>(1, entry.count));
    weight += w;
    theta += w * entry.theta;
    std += w * entry.std;
    kept_mass += w * entry.kept_mass;
    if (!std::isnan(entry.sdc)) {
      sdc += w * entry.sdc;
      sdc_weight += w;
    }
    if (!std::isnan(entry.rho)) {
      rho += w * entry.rho;
      rho_weight += w;
    }
  }
  [[nodiscard]] std::vector<Json> cells(bool with_rho) const {
    std::vector<Json> cells = {nullptr, 0, 0, nullptr, nullptr, nullptr, nullptr};
    if (entries > 0)
      cells = {fmt::format("{}-{}", shortest, longest),
               entries,
               rows,
               json_number(theta / weight),
               json_number(std / weight),
               json_number(sdc / sdc_weight),
               json_number(kept_mass / weight)};
    if (with_rho) cells.push_back(json_number(rho / rho_weight));
    return cells;
  }
};

void append(std::vector<Json>& row, std::vector<Json> more) {
  row.insert(row.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// What the targets hold for calibrated SDC decides which columns there are.
struct RhoColumns {
  bool rho = false;
  bool laws = false;
};

RhoColumns rho_columns(const std::vector<const Target*>& targets) {
  RhoColumns columns;
  for (const Target* target : targets) {
    columns.laws = columns.laws || target->has_rho_laws();
    for (const std::vector<ThresholdEntry>& cell : target->cells)
      columns.rho = columns.rho || std::any_of(cell.begin(), cell.end(), [](const ThresholdEntry& entry) {
                      return !std::isnan(entry.rho);
                    });
  }
  return columns;
}

void name_law(const RhoColumns& columns, Listing& listing) {
  if (!columns.laws) return;
  for (auto& column :
       {ListingColumn{"rho_law_0", "law c0"}, {"rho_law_1", "law c1"}, {"rho_law_2", "law c2"}})
    listing.columns.push_back(column);
}

void append_law(const RhoColumns& columns, const RhoLaw& law, std::vector<Json>& row) {
  if (!columns.laws) return;
  append(row, {json_number(law.constant), json_number(law.of_length), json_number(law.of_kept)});
}

void name_aggregate(const RhoColumns& columns, Listing& listing) {
  listing.columns.insert(listing.columns.end(), {{"lengths", "row lengths", false},
                                                 {"thresholds", "thresholds", true, 5},
                                                 {"rows", "rows", true, 1},
                                                 // Of softmax weights, thresholds are small.
                                                 {"theta", "mean theta", true, 0, Shown::digits},
                                                 {"std", "mean std", true, 3, Shown::digits},
                                                 {"sdc", "mean SDC term", true, 4},
                                                 {"kept_mass", "mean kept mass", true, 2}});
  if (columns.rho) listing.columns.push_back({"rho", "mean rho"});
}

// "16", or the range of its heads: "8-40".
std::string k_of_layer(const Target& target, std::int64_t layer, std::int64_t num_heads) {
  if (target.head_k.empty()) return format_k(target.layer_k[static_cast<std::size_t>(layer)]);
  const auto first = target.head_k.begin() + layer * num_heads;
  const auto [smallest, largest] = std::minmax_element(first, first + num_heads);
  return *smallest == *largest ? format_k(*smallest)
                               : fmt::format("{}-{}", format_k(*smallest), format_k(*largest));
}

void list_layers(const ThresholdTable& table, const std::vector<const Target*>& targets,
                 const RhoColumns& columns, Listing& listing) {
  listing.columns = {{"k", "k"}, {"layer", "layer"}, {"layer_k", "k of layer"}};
  name_aggregate(columns, listing);
  if (columns.laws) listing.columns.push_back({"rho_laws", "heads with a law"});
  for (const Target* target : targets)
    for (std::int64_t layer = 0; layer < table.meta.shape.num_layers; ++layer) {
      Aggregate sum;
      std::int64_t laws = 0;
      for (std::int64_t head = 0; head < table.meta.shape.num_heads; ++head) {
        const std::size_t cell = table.cell_index(layer, head);
        laws += target->rho_law_of(cell).any() ? 1 : 0;
        for (const ThresholdEntry& entry : target->cells[cell])
          sum.add(entry);
      }
      std::vector<Json> row = {target->k, layer, k_of_layer(*target, layer, table.meta.shape.num_heads)};
      append(row, sum.cells(columns.rho));
      if (columns.laws) row.emplace_back(laws);
      listing.rows.push_back(std::move(row));
    }
}

void list_heads(const ThresholdTable& table, const std::vector<const Target*>& targets,
                const ThresholdView& view, const RhoColumns& columns, Listing& listing) {
  listing.columns = {{"k", "k"}, {"layer", "layer"}, {"head", "head"}, {"head_k", "k of head"}};
  name_aggregate(columns, listing);
  name_law(columns, listing);
  for (const Target* target : targets)
    for (std::int64_t layer = 0; layer < table.meta.shape.num_layers; ++layer)
      for (std::int64_t head = 0; head < table.meta.shape.num_heads; ++head) {
        if ((view.layer && layer != *view.layer) || (view.head && head != *view.head)) continue;
        const std::size_t cell = table.cell_index(layer, head);
        Aggregate sum;
        for (const ThresholdEntry& entry : target->cells[cell])
          sum.add(entry);
        std::vector<Json> row = {target->k, layer, head, format_k(target->k_of(cell))};
        append(row, sum.cells(columns.rho));
        append_law(columns, target->rho_law_of(cell), row);
        listing.rows.push_back(std::move(row));
      }
}

void list_entries(const ThresholdTable& table, const std::vector<const Target*>& targets,
                  const ThresholdView& view, const RhoColumns& columns, Listing& listing) {
  listing.columns = {{"k", "k"},
                     {"layer", "layer"},
                     {"head", "head"},
                     {"length", "row length"},
                     {"theta", "theta", true, 0, Shown::digits},
                     {"std", "std", true, 3, Shown::digits},
                     {"count", "rows", true, 1},
                     {"sdc", "SDC term", true, 4},
                     {"kept_mass", "kept mass", true, 2}};
  if (columns.rho) listing.columns.push_back({"rho", "rho"});
  name_law(columns, listing);
  const std::size_t cell = table.cell_index(*view.layer, *view.head);
  for (const Target* target : targets)
    for (const ThresholdEntry& entry : target->cells[cell]) {
      std::vector<Json> row = {target->k,
                               *view.layer,
                               *view.head,
                               entry.length,
                               json_number(entry.theta),
                               json_number(entry.std),
                               entry.count,
                               json_number(entry.sdc),
                               json_number(entry.kept_mass)};
      if (columns.rho) row.push_back(json_number(entry.rho));
      append_law(columns, target->rho_law_of(cell), row);
      listing.rows.push_back(std::move(row));
    }
}

}  // namespace

Json about_table(const TableMeta& meta) {
  return {{"model",
           {{"name", meta.model},
            {"num_layers", meta.shape.num_layers},
            {"num_heads", meta.shape.num_heads},
            {"num_kv_heads", meta.shape.num_kv_heads},
            {"head_dim", meta.shape.head_dim}}},
          {"placement", name_of(meta.placement)},
          {"estimator", meta.estimator},
          {"add_sigma", json_number(meta.add_sigma)},
          {"topk_at_calibration", meta.topk_at_calibration},
          {"row_fraction", json_number(meta.row_fraction)},
          {"length_bins", meta.length_bins},
          {"keep_first", meta.kept.first},
          {"keep_recent", meta.kept.recent},
          {"provenance", json_of(meta.provenance)}};
}

// The command with long runs of files, as of --text texts/*.txt, cut to the first and the last.
std::string shortened(const std::string& command) {
  constexpr std::size_t kMost = 4;
  if (command.find('\'') != std::string::npos) return command;  // a file's name may hold blanks
  std::istringstream words(command);
  std::string text;
  std::vector<std::string> run;
  const auto flush = [&] {
    const bool cut = run.size() > kMost;
    for (std::size_t i = 0; i < run.size(); ++i)
      if (!cut || i == 0 || i + 1 == run.size())
        text += (text.empty() ? "" : " ") + run[i];
      else if (i == 1)
        text += fmt::format(" ...{} more...", run.size() - 2);
    run.clear();
  };
  std::size_t index = 0;
  for (std::string word; words >> word; ++index) {
    const bool is_file =
        index > 1 && !word.starts_with('-');  // or another value; not program, command or flag
    if (!is_file) flush();
    run.push_back(word);
    if (!is_file) flush();
  }
  flush();
  return text;
}

// Formats for other programs do not record how a table was made.
std::string origin_text(const Provenance& provenance) {
  if (provenance.command.empty()) return "made by: not recorded";
  return fmt::format("made by: {} (version {}, commit {}, seed {})", shortened(provenance.command),
                     provenance.version, provenance.commit, provenance.seed);
}

std::string table_heading(const TableMeta& meta) {
  return fmt::format(
      "thresholds for {}: {} layers, {} query heads\n"
      "{}, estimator {}, add_sigma {}, top-k at calibration {}, row fraction {}{}{}\n{}",
      meta.model.empty() ? "a model without a name" : meta.model, meta.shape.num_layers, meta.shape.num_heads,
      name_of(meta.placement), meta.estimator, meta.add_sigma, meta.topk_at_calibration ? "yes" : "no",
      meta.row_fraction,
      meta.length_bins > 0 ? fmt::format(", {} length bins per octave", meta.length_bins) : std::string(),
      meta.kept.any() ? ", for use with " + describe(meta.kept) : std::string(),
      origin_text(meta.provenance));
}

void require_view(const ThresholdTable& table, const ThresholdView& view) {
  if (view.layer) require_below(*view.layer, table.meta.shape.num_layers, "--layer", "layer");
  if (view.head) require_below(*view.head, table.meta.shape.num_heads, "--head", "head");
}

Listing thresholds_listing(const ThresholdTable& table, const ThresholdView& view) {
  require_view(table, view);
  const std::vector<const Target*> targets = choose_targets(table, view.k);
  Listing listing;
  listing.schema = "toptheta.show/1";
  listing.heading = table_heading(table.meta);
  listing.about = about_table(table.meta);
  const RhoColumns columns = rho_columns(targets);
  const bool by_head = view.layer || view.head;
  if (view.layer && view.head)
    list_entries(table, targets, view, columns, listing);
  else if (by_head)
    list_heads(table, targets, view, columns, listing);
  else
    list_layers(table, targets, columns, listing);
  if (columns.laws)
    listing.notes.push_back(fmt::format(
        "heads with a law use it instead of rho: ln rho = c0 + c1 ln n + c2 ln n_kept, at most 0{}",
        by_head ? "" : "; --layer or --head shows the coefficients"));
  return listing;
}

}  // namespace toptheta
