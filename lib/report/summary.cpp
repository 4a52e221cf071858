#include "report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>

#include "report/number.hpp"
#include "report/output_error.hpp"
#include "report/overview.hpp"

namespace toptheta {

namespace {

constexpr const char* kNone = "-";

struct Column {
  SummaryColumn head;
  std::function<std::string(const RunResult&)> cell;
};
using Columns = std::vector<Column>;
using Runs = std::span<const RunResult>;

void add(Columns& columns, const char* title, bool number, std::function<std::string(const RunResult&)> cell,
         int spare = 0) {
  columns.push_back({{title, number, spare}, std::move(cell)});
}

// The standard error of a proportion of 0 or 1 is 0 and means nothing, so Wilson's 95% interval takes its
// place.
std::string format_proportion(const Measure& measure) {
  if ((measure.value != 0 && measure.value != 1) || !measure.interval) return format_measure(measure);
  return fmt::format("{} [{}, {}]", format_number(measure.value), format_number(measure.interval->low),
                     format_number(measure.interval->high));
}

bool is_proportion(std::string_view metric) {
  return metric == "acc" || metric == "acc_norm" || metric == "exact_match" || metric == "same_top";
}

// The policy's name, with everything that has no column of its own.
std::string policy_name(const Policy& policy) {
  std::string text = std::string(name_of(policy)) + (policy.cap_k ? " cap-k" : "");
  for (const auto& [name, value] : options_in_force(policy))
    text += fmt::format(" {}={}", name, value);
  return text;
}

std::string placement_name(const Policy& policy) {
  return has_placement(policy) ? std::string(name_of(policy.placement)) : kNone;
}

std::string sdc_name(const Policy& policy) {
  if (policy.sdc == Sdc::none) return kNone;
  const std::string name(name_of(policy.sdc));
  return policy.sdc_scale == 1 ? name : fmt::format("{} x {}", name, policy.sdc_scale);
}

void add_policy_columns(Columns& columns) {
  add(columns, "policy", false, [](const RunResult& run) { return policy_name(run.policy.policy); });
  add(columns, "k", true, [](const RunResult& run) {
    return format_layer_k(run.policy.policy.k, run.policy.layer_k, run.policy.head_k);
  });
  add(columns, "placement", false, [](const RunResult& run) { return placement_name(run.policy.policy); });
  add(columns, "SDC", false, [](const RunResult& run) { return sdc_name(run.policy.policy); });
  add(columns, "VMC", false,
      [](const RunResult& run) { return std::string(run.policy.policy.vmc ? "yes" : kNone); });
}

// The metrics that get a column, with their titles; the others are only in the JSON report.
void add_metric_columns(Runs runs, Columns& columns) {
  struct Known {
    const char* name;
    const char* title;
    int spare = 0;
  };
  constexpr Known kKnown[] = {{"perplexity", "perplexity"},
                              {"perplexity_chunked", "perplexity (chunked)", 2},
                              {"nll", "nll (nats/token)", 8},
                              {"acc", "acc"},
                              {"acc_norm", "acc_norm", 1},
                              {"answer_nll", "answer nll (nats)", 6},
                              {"continuation_nll", "continuation nll (nats)", 3},
                              {"exact_match", "exact match"},
                              {"exact_match_flexible", "exact match (flexible)"},
                              {"kl", "KL to dense (nats)", 2},
                              {"kl_chunked", "KL to dense (chunked)", 3},
                              {"same_top", "same top", 4},
                              {"delta_p_rms", "RMS change of p", 10}};
  for (const Known& known : kKnown) {
    const std::string name = known.name;
    const bool present = std::any_of(runs.begin(), runs.end(),
                                     [&](const RunResult& run) { return run.metric(name) != nullptr; });
    if (!present) continue;
    add(
        columns, known.title, true,
        [name](const RunResult& run) {
          const Measure* measure = run.metric(name);
          if (measure == nullptr) return std::string(kNone);
          return is_proportion(name) ? format_proportion(*measure) : format_measure(*measure);
        },
        known.spare);
  }
}

// Differences from dense on the same examples, with their own errors.
void add_paired_columns(Runs runs, Columns& columns) {
  struct Known {
    const char* name;
    const char* title;
    int spare = 0;
  };
  constexpr Known kKnown[] = {{"perplexity_ratio", "perplexity / dense"},
                              {"perplexity_ratio_chunked", "perplexity / dense (chunked)", 3},
                              {"acc", "acc - dense", 1},
                              {"acc_norm", "acc_norm - dense", 2},
                              {"exact_match", "exact match - dense", 1}};
  const auto find = [](const RunResult& run, const char* name) {
    return std::find_if(run.paired.begin(), run.paired.end(),
                        [name](const auto& entry) { return entry.first == name; });
  };
  for (const Known& known : kKnown) {
    const char* const name = known.name;
    const bool present = std::any_of(
        runs.begin(), runs.end(), [&](const RunResult& run) { return find(run, name) != run.paired.end(); });
    if (!present) continue;
    add(
        columns, known.title, true,
        [find, name](const RunResult& run) {
          const auto found = find(run, name);
          if (found == run.paired.end()) return std::string(kNone);
          return format_measure({found->second.value, found->second.standard_error});
        },
        known.spare);
  }
}

// Wall-clock times of generation tasks.
void add_speed_column(Runs runs, Columns& columns) {
  const auto seconds = [](const RunResult& run) {
    for (const auto& [name, value] : run.seconds)
      if (name == "per_decode_step") return value;
    return 0.0;
  };
  if (std::none_of(runs.begin(), runs.end(), [&](const RunResult& run) { return seconds(run) > 0; })) return;
  add(
      columns, "tokens/s", true,
      [seconds](const RunResult& run) {
        return seconds(run) > 0 ? fmt::format("{:.1f}", 1 / seconds(run)) : std::string(kNone);
      },
      6);
}

std::string effective_k(const RunResult& run) {
  return has_k(run.policy.policy) ? format_number(run.sparsity.effective_k_ratio()) : kNone;
}

void add_sparsity_columns(Columns& columns) {
  add(columns, "kept elements %", true,
      [](const RunResult& run) { return format_percent(run.sparsity.kept_elements()); });
  add(columns, "V rows %", true, [](const RunResult& run) { return format_percent(run.sparsity.v_rows()); });
  add(
      columns, "K rows %", true,
      [](const RunResult& run) { return format_percent(k_rows(run.sparsity, run.policy.policy)); }, 9);
  add(
      columns, "empty tiles %", true,
      [](const RunResult& run) { return format_percent(run.sparsity.tile_sparsity()); }, 3);
  add(columns, "eff. k / k", true, effective_k, 5);
  add(
      columns, "lost mass", true,
      [](const RunResult& run) { return format_number(run.sparsity.lost_mass()); }, 7);
}

bool has_phase(Runs runs, Phase phase) {
  return std::any_of(runs.begin(), runs.end(), [phase](const RunResult& run) { return run.phase == phase; });
}

SummarySection section_of(Runs runs) {
  Columns columns;
  add_policy_columns(columns);
  const std::size_t policy_columns = columns.size();
  add_metric_columns(runs, columns);
  add_paired_columns(runs, columns);
  add_speed_column(runs, columns);
  add_sparsity_columns(columns);
  SummarySection section;
  section.policy_columns = policy_columns;
  const TaskRecord& task = runs.front().task;
  section.title = fmt::format("{} ({}, {} example{}, {})", task.name, task.kind, task.examples,
                              task.examples == 1 ? "" : "s", name_of(runs.front().phase));
  for (const Column& column : columns)
    section.columns.push_back(column.head);
  for (const RunResult& run : runs) {
    section.labels.push_back(label_of(run.policy));
    std::vector<std::string>& row = section.rows.emplace_back();
    for (const Column& column : columns)
      row.push_back(column.cell(run));
  }
  return section;
}

std::vector<SummarySection> sections_of(Runs runs) {
  std::vector<SummarySection> sections;
  while (!runs.empty()) {
    const auto end = std::find_if(runs.begin(), runs.end(),
                                  [&](const RunResult& run) { return !same_task(run, runs.front()); });
    const auto count = static_cast<std::size_t>(end - runs.begin());
    sections.push_back(section_of(runs.first(count)));
    if (auto outputs = output_errors_of(runs.first(count))) sections.push_back(std::move(*outputs));
    runs = runs.subspan(count);
  }
  return sections;
}

std::vector<std::string> notes_of(const Results& results, bool per_task) {
  std::vector<std::string> notes = {"± one standard error of the mean.",
                                    "kept elements: attention weights kept, of all that causality allows."};
  if (has_phase(results.runs, Phase::prefill))
    notes.emplace_back(
        "V rows (prefill): value rows that some head of the KV group needs in some row of a sequence.");
  if (has_phase(results.runs, Phase::decode))
    notes.emplace_back("V rows (decode): value rows that some head of the KV group needs, per step.");
  if (!per_task) return notes;
  notes.emplace_back("K rows: key rows that must be read, to choose and to weigh.");
  notes.emplace_back(
      "empty tiles: tiles of scores in which no row keeps anything, of all that causality allows.");
  notes.emplace_back(
      "eff. k / k: kept elements relative to those that top-k keeps; geometric mean over heads.");
  notes.emplace_back("lost mass: mean softmax weight of the dropped keys, before compensation.");
  const auto measured = [](const RunResult& run) { return !run.sparsity.outputs.empty(); };
  if (std::any_of(results.runs.begin(), results.runs.end(), measured))
    for (std::string& note : output_error_notes())
      notes.push_back(std::move(note));
  return notes;
}

}  // namespace

std::string format_layer_k(std::int64_t k, const std::vector<std::int64_t>& layer_k,
                           const std::vector<std::int64_t>& head_k) {
  if (!head_k.empty()) {
    const auto [smallest, largest] = std::minmax_element(head_k.begin(), head_k.end());
    return fmt::format("{} [heads {}-{}]", format_k(k), format_k(*smallest), format_k(*largest));
  }
  if (layer_k.empty()) return k > 0 ? format_k(k) : kNone;
  std::string special;
  for (std::size_t begin = 0; begin < layer_k.size();) {
    std::size_t end = begin + 1;
    while (end < layer_k.size() && layer_k[end] == layer_k[begin])
      ++end;
    if (layer_k[begin] != k) {
      const std::string layers =
          end - begin == 1 ? fmt::format("{}", begin) : fmt::format("{}-{}", begin, end - 1);
      special += fmt::format("{}{}:{}", special.empty() ? "" : ",", layers, format_k(layer_k[begin]));
    }
    begin = end;
  }
  return special.empty() ? format_k(k) : fmt::format("{} [{}]", format_k(k), special);
}

std::string label_of(const PolicyRecord& record) {
  Policy policy = record.policy;
  policy.k = 0;  // printed together with the k of layers
  std::string text(name_of(policy));
  if (is_dense(policy)) return text;
  if (record.policy.k > 0) text += " k=" + format_layer_k(record.policy.k, record.layer_k, record.head_k);
  std::string details = describe(policy).substr(name_of(policy).size());
  constexpr std::string_view kUsual = " pre-softmax";
  if (details.starts_with(kUsual)) details.erase(0, kUsual.size());
  if (has_thresholds(policy) && policy.lookup != LengthLookup::nearest)
    details += fmt::format(" lookup={}", name_of(policy.lookup));
  if (record.rho_law) details += " rho-law";
  return text + details;
}

double k_rows(const AttentionCounts& counts, const Policy& policy) {
  return reads_all_keys(policy) ? 1 : counts.v_rows();
}

bool same_task(const RunResult& a, const RunResult& b) {
  return a.task.name == b.task.name && a.task.sha256 == b.task.sha256 && a.phase == b.phase;
}

Summary summarize(const Results& results, Detail detail) {
  Summary summary;
  summary.heading = fmt::format("model {}: {} layers, {} query heads, {} KV heads of width {}", results.model,
                                results.shape.num_layers, results.shape.num_heads, results.shape.num_kv_heads,
                                results.shape.head_dim);
  const std::optional<SummarySection> overview = overview_of(results);
  if (overview) summary.sections.push_back(*overview);
  if (!overview || detail == Detail::full)
    for (SummarySection& section : sections_of(results.runs))
      summary.sections.push_back(std::move(section));
  summary.notes = notes_of(results, !overview || detail == Detail::full);
  return summary;
}

}  // namespace toptheta
