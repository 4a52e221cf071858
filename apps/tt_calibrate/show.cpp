// tt-calibrate show: a threshold table for the human eye.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "common/common_flags.hpp"
#include "common/output.hpp"
#include "core/error.hpp"
#include "tt_calibrate/commands.hpp"
#include "tt_calibrate/table_input.hpp"

namespace toptheta::app {

namespace {

// One head of one target, summed up over its lengths.
struct HeadSummary {
  std::int64_t k = 0;
  std::int64_t layer = 0;
  std::int64_t head = 0;
  std::int64_t layer_k = 0;
  std::size_t lengths = 0;
  std::int64_t rows = 0;
  std::int32_t shortest = 0;
  std::int32_t longest = 0;
  double theta_shortest = 0;
  double theta_longest = 0;
  double mean_std = 0;
  double kept_mass = 0;  // NaN where not calibrated
};

HeadSummary summarize_head(const Target& target, std::int64_t layer, std::int64_t head,
                           const std::vector<ThresholdEntry>& cell) {
  HeadSummary summary{target.k, layer, head, target.layer_k[static_cast<std::size_t>(layer)], cell.size()};
  if (cell.empty()) return summary;
  summary.shortest = cell.front().length;
  summary.longest = cell.back().length;
  summary.theta_shortest = cell.front().theta;
  summary.theta_longest = cell.back().theta;
  for (const ThresholdEntry& entry : cell) {
    summary.rows += entry.count;
    summary.mean_std += entry.std / static_cast<double>(cell.size());
    summary.kept_mass += entry.kept_mass / static_cast<double>(cell.size());
  }
  return summary;
}

std::string text_of(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : "-";
}

class Show final : public Command {
 public:
  void declare(CLI::App& app) override;
  void run(Session& session) override;

 private:
  [[nodiscard]] std::vector<HeadSummary> summaries(const ThresholdTable& table) const;
  void check_selection(const ThresholdTable& table) const;

  std::string input_{};
  std::string format_ = "table";
  std::string output_{};
  std::int64_t layer_ = -1;
  std::int64_t head_ = -1;
  std::int64_t k_ = 0;
};

void Show::declare(CLI::App& app) {
  app.add_option("table", input_, "Threshold table: .h5, .json, or .txt (the authors' th.txt)")
      ->type_name("FILE")
      ->required();
  app.add_option("--layer", layer_, "Only this layer, counted from 0")
      ->type_name("L")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_option("--head", head_, "Only this query head, counted from 0")
      ->type_name("H")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_option("-k,--k", k_, "Only this target; 0 = all")
      ->type_name("K")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str();
  declare_format(app, format_, {"table", "json", "csv", "md"}, "Format of the summary")
      ->capture_default_str();
  declare_output(app, output_, "File to write to instead of standard output");
}

void Show::check_selection(const ThresholdTable& table) const {
  const auto check = [](const char* flag, std::int64_t value, std::int64_t count, const char* what) {
    if (value < count) return;
    throw UsageError({.where = flag,
                      .what = fmt::format("{} out of range", what),
                      .expected = fmt::format("0 to {}", count - 1),
                      .found = fmt::format("{}", value)});
  };
  check("--layer", layer_, table.meta.shape.num_layers, "layer");
  check("--head", head_, table.meta.shape.num_heads, "head");
  if (k_ > 0) (void)table.target(k_);
}

std::vector<HeadSummary> Show::summaries(const ThresholdTable& table) const {
  std::vector<HeadSummary> all;
  for (const Target& target : table.targets) {
    if (k_ > 0 && target.k != k_) continue;
    for (std::int64_t layer = 0; layer < table.meta.shape.num_layers; ++layer) {
      if (layer_ >= 0 && layer != layer_) continue;
      for (std::int64_t head = 0; head < table.meta.shape.num_heads; ++head)
        if (head_ < 0 || head == head_)
          all.push_back(summarize_head(target, layer, head, target.cells[table.cell_index(layer, head)]));
    }
  }
  return all;
}

std::string as_json(const ThresholdTable& table, const std::vector<HeadSummary>& heads) {
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json json{{"schema", "toptheta.threshold-summary/1"},
                              {"model", table.meta.model},
                              {"placement", std::string(name_of(table.meta.placement))},
                              {"estimator", table.meta.estimator},
                              {"add_sigma", table.meta.add_sigma},
                              {"topk_at_calibration", table.meta.topk_at_calibration},
                              {"command", table.meta.provenance.command},
                              {"heads", nlohmann::ordered_json::array()}};
  for (const HeadSummary& h : heads)
    json["heads"].push_back({{"k", h.k},
                             {"layer", h.layer},
                             {"head", h.head},
                             {"layer_k", format_k(h.layer_k)},
                             {"lengths", h.lengths},
                             {"rows", h.rows},
                             {"shortest", h.shortest},
                             {"longest", h.longest},
                             {"theta_shortest", number(h.theta_shortest)},
                             {"theta_longest", number(h.theta_longest)},
                             {"mean_std", number(h.mean_std)},
                             {"kept_mass", number(h.kept_mass)}});
  return json.dump(2) + "\n";
}

std::vector<std::string> cells_of(const HeadSummary& h) {
  if (h.lengths == 0)
    return {fmt::format("{}", h.k),
            fmt::format("{}", h.layer),
            fmt::format("{}", h.head),
            format_k(h.layer_k),
            "0",
            "0",
            "-",
            "-",
            "-",
            "-",
            "-"};
  return {fmt::format("{}", h.k),
          fmt::format("{}", h.layer),
          fmt::format("{}", h.head),
          format_k(h.layer_k),
          fmt::format("{}", h.lengths),
          fmt::format("{}", h.rows),
          fmt::format("{}-{}", h.shortest, h.longest),
          text_of(h.theta_shortest),
          text_of(h.theta_longest),
          text_of(h.mean_std),
          text_of(h.kept_mass)};
}

const std::vector<std::string> kColumns{"target",        "layer",    "head",     "k",
                                        "lengths",       "rows",     "from-to",  "theta_at_first",
                                        "theta_at_last", "mean_std", "kept_mass"};

std::string joined(const std::vector<std::string>& cells, const std::string& between) {
  std::string line;
  for (std::size_t c = 0; c < cells.size(); ++c)
    line += (c == 0 ? "" : between) + cells[c];
  return line;
}

std::string as_table(const ThresholdTable& table, const std::vector<HeadSummary>& heads) {
  std::vector<std::vector<std::string>> rows{kColumns};
  for (const HeadSummary& head : heads)
    rows.push_back(cells_of(head));
  std::vector<std::size_t> widths(kColumns.size(), 0);
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], row[c].size());
  std::string text =
      fmt::format("{} thresholds of {} ({} layers, {} heads, {} KV heads), {}, add_sigma {}{}\n",
                  name_of(table.meta.placement), table.meta.model.empty() ? "a model" : table.meta.model,
                  table.meta.shape.num_layers, table.meta.shape.num_heads, table.meta.shape.num_kv_heads,
                  table.meta.estimator, table.meta.add_sigma,
                  table.meta.topk_at_calibration ? ", top-k at calibration" : "");
  if (!table.meta.provenance.command.empty()) text += "made by: " + table.meta.provenance.command + "\n";
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c)
      line += fmt::format("{:>{}}{}", row[c], widths[c], c + 1 < row.size() ? "  " : "");
    text += line + "\n";
  }
  return text;
}

std::string as_lines(const std::vector<HeadSummary>& heads, bool markdown) {
  const std::string between = markdown ? " | " : ",";
  const auto line = [&](const std::vector<std::string>& cells) {
    return markdown ? "| " + joined(cells, between) + " |\n" : joined(cells, between) + "\n";
  };
  std::string text = line(kColumns);
  if (markdown) text += line(std::vector<std::string>(kColumns.size(), "---"));
  for (const HeadSummary& head : heads)
    text += line(cells_of(head));
  return text;
}

void Show::run(Session& /*session*/) {
  const ThresholdTable table = read_any_table(input_, Placement::pre_softmax);
  check_selection(table);
  const std::vector<HeadSummary> heads = summaries(table);
  if (format_ == "json") return write_output(output_, as_json(table, heads));
  if (format_ == "table") return write_output(output_, as_table(table, heads));
  write_output(output_, as_lines(heads, format_ == "md"));
}

}  // namespace

CommandEntry show_command() {
  return {"show", "Show what a threshold table holds, head by head", "  tt-calibrate show theta.h5 --layer 2",
          [] { return std::make_unique<Show>(); }};
}

}  // namespace toptheta::app
