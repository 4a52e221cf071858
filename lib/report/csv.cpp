#include "report/csv.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "report/format.hpp"
#include "report/number.hpp"
#include "report/summary.hpp"

namespace toptheta {

namespace {

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field)
    out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

template <typename Value>
const Value* find(const std::vector<std::pair<std::string, Value>>& list, const std::string& name) {
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.first == name; });
  return it == list.end() ? nullptr : &it->second;
}

// Names of all runs' entries, in the order of first appearance.
template <typename Member>
std::vector<std::string> names_of(const Results& results, Member member) {
  std::vector<std::string> names;
  for (const RunResult& run : results.runs)
    for (const auto& entry : run.*member)
      if (std::find(names.begin(), names.end(), entry.first) == names.end()) names.push_back(entry.first);
  return names;
}

// "window=256 sinks=4": the policy's own options, and what else decides the arithmetic and has no column.
std::string options_text(const PolicyRecord& record) {
  const Policy& policy = record.policy;
  std::string text;
  const auto add = [&text](std::string_view name, const auto& value) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  };
  for (const auto& [name, value] : options_in_force(policy))
    add(name, value);
  if (has_thresholds(policy) && policy.lookup != LengthLookup::nearest) add("lookup", name_of(policy.lookup));
  if (record.rho_law) add("rho_law", true);
  return text;
}

// SHA-256 of one of the inputs.
std::string digest_of(const Results& results, const std::string& path) {
  for (const InputFile& input : results.provenance.inputs)
    if (!path.empty() && input.path == path) return input.sha256;
  return "";
}

std::vector<std::string> policy_fields(const PolicyRecord& record) {
  const Policy& policy = record.policy;
  const bool dense = is_dense(policy);
  return {std::string(name_of(policy)),
          dense || policy.k == 0 ? "" : format_k(policy.k),
          dense ? "" : format_layer_k(policy.k, record.layer_k, record.head_k),
          has_placement(policy) ? std::string(name_of(policy.placement)) : "",
          std::string(name_of(policy.sdc)),
          policy.sdc == Sdc::none ? "" : format_exact(policy.sdc_scale),
          policy.vmc ? "true" : "false",
          policy.cap_k ? "true" : "false"};
}

// How far the outputs of heads are from those of dense attention; empty if that was not measured.
void add_output(const AttentionCounts& counts, std::vector<std::string>& fields) {
  const bool measured = !counts.outputs.empty();
  const OutputDifference output = counts.output();
  fields.push_back(measured ? format_exact(output.relative_error()) : "");
  fields.push_back(measured ? format_exact(output.mean_cosine()) : "");
}

}  // namespace

std::string format_csv_record(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i)
    line += (i == 0 ? "" : ",") + quoted(fields[i]);
  return line + "\n";
}

std::string format_csv(const Results& results) {
  const std::vector<std::string> metrics = names_of(results, &RunResult::metrics);
  const std::vector<std::string> counts = names_of(results, &RunResult::counts);
  std::vector<std::string> header = {"attention", "k",     "layer_k", "placement", "sdc",     "sdc_scale",
                                     "vmc",       "cap_k", "task",    "kind",      "examples"};
  for (const std::string& name : metrics) {
    header.push_back(name);
    header.push_back(name + "_stderr");
  }
  header.insert(header.end(), counts.begin(), counts.end());
  const bool outputs = std::any_of(results.runs.begin(), results.runs.end(),
                                   [](const RunResult& run) { return !run.sparsity.outputs.empty(); });
  if (outputs) header.insert(header.end(), {"output_error", "output_cosine"});
  for (const char* name :
       {"phase", "kept_elements", "v_rows", "effective_k_ratio", "lost_mass", "k_rows", "tiles", "options",
        "model", "model_sha256", "thresholds", "thresholds_sha256", "task_sha256"})
    header.emplace_back(name);

  std::string text = format_csv_record(header);
  for (const RunResult& run : results.runs) {
    const Policy& policy = run.policy.policy;
    std::vector<std::string> fields = policy_fields(run.policy);
    fields.insert(fields.end(), {run.task.name, run.task.kind, fmt::format("{}", run.task.examples)});
    for (const std::string& name : metrics) {
      const Measure* measure = find(run.metrics, name);
      fields.push_back(measure != nullptr ? format_exact(measure->value) : "");
      fields.push_back(measure != nullptr && measure->standard_error ? format_exact(*measure->standard_error)
                                                                     : "");
    }
    for (const std::string& name : counts) {
      const std::int64_t* count = find(run.counts, name);
      fields.push_back(count != nullptr ? fmt::format("{}", *count) : "");
    }
    if (outputs) add_output(run.sparsity, fields);
    fields.insert(fields.end(),
                  {std::string(name_of(run.phase)), format_exact(run.sparsity.kept_elements()),
                   format_exact(run.sparsity.v_rows()),
                   is_dense(policy) || has_k(policy) ? format_exact(run.sparsity.effective_k_ratio()) : "",
                   format_exact(run.sparsity.lost_mass()), format_exact(k_rows(run.sparsity, policy)),
                   format_exact(run.sparsity.tile_sparsity()), options_text(run.policy), results.model,
                   results.model_sha256, run.policy.thresholds, digest_of(results, run.policy.thresholds),
                   run.task.sha256});
    text += format_csv_record(fields);
  }
  return text;
}

namespace {

std::string csv_of_listing(const Listing& listing, const Layout& /*layout*/) {
  std::vector<std::string> header;
  header.reserve(listing.columns.size());
  for (const ListingColumn& column : listing.columns)
    header.push_back(column.key);
  std::string text = format_csv_record(header);
  for (const std::vector<std::string>& fields : exact_cells(listing))
    text += format_csv_record(fields);
  return text;
}

}  // namespace

extern const ReportFormat kCsvReport;
const ReportFormat kCsvReport{
    .name = "csv",
    .for_people = false,
    .results = [](const Results& results, const Layout& /*layout*/) { return format_csv(results); },
    .listing = csv_of_listing};

}  // namespace toptheta
