#include <fmt/format.h>

#include <algorithm>

#include "core/number_list.hpp"
#include "page/markup.hpp"
#include "page/page.hpp"
#include "page/table_sections.hpp"
#include "page/threshold_figures.hpp"
#include "theta/target_choice.hpp"

namespace toptheta::page {

namespace {

constexpr std::size_t kMostMapped = 12;

std::string format_list(const std::vector<std::string>& sentences) {
  std::string html = "<ul>";
  for (const std::string& sentence : sentences)
    html += fmt::format("<li>{}</li>", escaped(sentence));
  return html + "</ul>";
}

std::string about(const TableMeta& meta) {
  return fmt::format(
      "Calibrated {}, estimator {}, {} layers of {} query heads; add_sigma {}, top-k at calibration {}, "
      "share of "
      "rows {}.",
      name_of(meta.placement), meta.estimator, meta.shape.num_layers, meta.shape.num_heads, meta.add_sigma,
      meta.topk_at_calibration ? "yes" : "no", percent(meta.row_fraction));
}

// Which part of the heads has a law for rho, for each target; empty where no head has one.
std::string about_laws(const std::vector<const Target*>& targets) {
  std::string text;
  for (const Target* target : targets) {
    if (!target->has_rho_laws()) continue;
    const auto laws = std::count_if(target->rho_laws.begin(), target->rho_laws.end(),
                                    [](const RhoLaw& law) { return law.any(); });
    text += fmt::format("{}{} of {} heads (k = {})", text.empty() ? "" : ", ", laws, target->rho_laws.size(),
                        format_k(target->k));
  }
  return text.empty() ? text : " A law for rho of calibrated SDC in " + text + ".";
}

std::string names_of(const std::vector<const Target*>& targets) {
  std::string text;
  for (const Target* target : targets)
    text += (text.empty() ? "" : ", ") + format_k(target->k);
  return text;
}

// The targets to draw maps of: as many as keep the page small.
std::vector<const Target*> mapped_of(const ThresholdTable& table, const std::vector<const Target*>& targets) {
  const auto heads = static_cast<std::size_t>(table.meta.shape.num_layers * table.meta.shape.num_heads);
  const std::size_t most =
      std::clamp<std::size_t>(9000 / std::max<std::size_t>(1, 3 * heads), 1, kMostMapped);
  std::vector<const Target*> mapped = targets;
  if (mapped.size() > most) mapped.resize(most);
  return mapped;
}

std::string format_inputs(const TableMeta& meta) {
  DataTable inputs{"inputs", {"file", "sha256"}, {}};
  for (const InputFile& input : meta.provenance.inputs)
    inputs.rows.push_back(
        {text_value(input.path),
         text_value(input.sha256.empty() ? input.fingerprint + " (of pieces)" : input.sha256)});
  if (inputs.rows.empty()) return "<p>The file does not record what it was made from.</p>";
  return format_long_table(inputs, "Input files");
}

}  // namespace

std::vector<Figure> table_figures(const ThresholdTable& table, const std::vector<const Target*>& mapped,
                                  const std::vector<const Target*>& all) {
  std::vector<Figure> figures;
  for (const Target* target : mapped) {
    Figure maps = threshold_maps(table, *target);
    if (!maps.charts.empty()) figures.push_back(std::move(maps));
  }
  const bool has_thresholds = !figures.empty();
  if (has_thresholds) {
    figures.push_back(thresholds_by_length(table, all));
    figures.push_back(rows_by_length(all));
  }
  return figures;
}

std::string format_table_sections(const ThresholdTable& table, const std::vector<const Target*>& mapped,
                                  const std::vector<const Target*>& all, const std::string& mark) {
  const auto marked = [&mark](DataTable& data) { data.name += mark.empty() ? "" : "-" + mark; };
  std::string html = fmt::format("<p class='lead'>{}</p>", escaped(about(table.meta) + about_laws(all)));
  if (!table.meta.provenance.command.empty())
    html +=
        fmt::format("<p class='note'>Made by <code>{}</code></p>", escaped(table.meta.provenance.command));
  const std::vector<std::string> findings = findings_of(table, all);
  if (!findings.empty()) html += format_list(findings);
  DataTable health = health_of(all);
  marked(health);
  html += format_table(health, Filter::none);
  for (Figure& figure : table_figures(table, mapped, all)) {
    marked(figure.data);
    html += format_figure(figure);
  }
  return html;
}

std::string format_audit(const std::optional<AuditFile>& audit) {
  if (!audit)
    return "<p>To see whether the thresholds keep the k asked for on other texts, run tt-calibrate audit "
           "TABLE --format json -o audit.json, and make this page with --audit audit.json.</p>";
  return format_list(findings_of(*audit)) + format_figure(audit_figure(*audit));
}

std::string format_table_page(const ThresholdTable& table, const std::string& path, std::int64_t k,
                              const std::optional<AuditFile>& audit) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  const std::vector<const Target*> mapped = mapped_of(table, targets);
  const TableMeta& meta = table.meta;
  const std::string title =
      fmt::format("Thresholds for {}, k = {}", meta.model.empty() ? "a model without a name" : meta.model,
                  names_of(targets));
  std::string html = fmt::format("<h1>{}</h1><p class='lead'>{}</p>", escaped(title), escaped(path));
  if (mapped.size() < targets.size())
    html += fmt::format(
        "<p>Maps of heads are shown for k = {} only; tt-calibrate report TABLE -k K shows those of another "
        "k.</p>",
        escaped(names_of(mapped)));
  html += format_table_sections(table, mapped, targets, "") + "<h2>Audit</h2>" + format_audit(audit);
  html += "<h2>How this was made</h2>" + format_inputs(meta) +
          fmt::format("<p>Version {}, commit {}, seed {}.</p>", escaped(meta.provenance.version),
                      escaped(meta.provenance.commit), meta.provenance.seed);
  return format_document(title, html);
}

std::vector<Chart> charts_of(const ThresholdTable& table, std::int64_t k) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  std::vector<Chart> charts;
  for (Figure& figure : table_figures(table, mapped_of(table, targets), targets))
    std::move(figure.charts.begin(), figure.charts.end(), std::back_inserter(charts));
  make_names_unique(charts);
  return charts;
}

}  // namespace toptheta::page
