#include "report/json.hpp"

#include <algorithm>
#include <cmath>

#include "report/format.hpp"
#include "theta/formats/provenance_json.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

Json json_k(std::int64_t k) {
  return k > 0 && k != kDenseK ? Json(k) : Json(nullptr);
}

// Whole numbers without a fraction.
Json json_figure(double value) {
  return value == std::floor(value) && std::abs(value) < 0x1p53 ? Json(static_cast<std::int64_t>(value))
                                                                : json_number(value);
}

Json json_of(const PolicyRecord& record) {
  const Policy& policy = record.policy;
  Json json;
  json["attention"] = name_of(policy);
  json["k"] = json_k(policy.k);
  json["placement"] = has_placement(policy) ? Json(name_of(policy.placement)) : Json(nullptr);
  json["sdc"] = name_of(policy.sdc);
  json["sdc_scale"] = json_number(policy.sdc_scale);
  json["vmc"] = policy.vmc;
  json["cap_k"] = policy.cap_k;
  json["layer_k"] = Json::array();
  for (const std::int64_t k : record.layer_k)
    json["layer_k"].push_back(json_k(k));
  if (!record.head_k.empty()) {
    json["head_k"] = Json::array();
    for (const std::int64_t k : record.head_k)
      json["head_k"].push_back(json_k(k));
  }
  json["lookup"] = has_thresholds(policy) ? Json(name_of(policy.lookup)) : Json(nullptr);
  json["thresholds"] = record.thresholds.empty() ? Json(nullptr) : Json(record.thresholds);
  json["add_sigma"] = record.thresholds.empty() ? Json(nullptr) : json_number(record.add_sigma);
  json["topk_at_calibration"] = record.thresholds.empty() ? Json(nullptr) : Json(record.topk_at_calibration);
  if (record.rho_law) json["rho_law"] = true;
  for (const auto& [name, value] : options_in_force(policy))
    json[name] = json_figure(value);
  return json;
}

Json json_of(const TaskRecord& task) {
  return {{"name", task.name},
          {"kind", task.kind},
          {"examples", task.examples},
          {"sha256", task.sha256},
          {"definition", task.definition}};
}

void add_interval(Json& json, const std::optional<ConfidenceInterval>& interval) {
  if (!interval) return;
  json["low"] = json_number(interval->low);
  json["high"] = json_number(interval->high);
}

Json json_of(const Measure& measure) {
  Json json = {{"value", json_number(measure.value)},
               {"stderr", measure.standard_error ? json_number(*measure.standard_error) : Json(nullptr)}};
  add_interval(json, measure.interval);
  return json;
}

Json json_of(const PairedDifference& paired) {
  Json json = {{"value", json_number(paired.value)},
               {"stderr", paired.standard_error ? json_number(*paired.standard_error) : Json(nullptr)}};
  add_interval(json, paired.interval);
  if (paired.better) json["better"] = *paired.better;
  if (paired.worse) json["worse"] = *paired.worse;
  if (paired.p) json["p"] = json_number(*paired.p);
  return json;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);  // 0 / 0 is NaN, hence null
}

// For heads whose output was compared with that of dense attention.
void add_output(Json& json, const OutputDifference& output) {
  json["output_error"] = json_number(output.relative_error());
  json["output_cosine"] = json_number(output.mean_cosine());
}

Json per_head(const AttentionCounts& counts, const Policy& policy) {
  Json list = Json::array();
  for (std::int64_t layer = 0; layer < counts.shape.num_layers; ++layer)
    for (std::int64_t head = 0; head < counts.shape.num_heads; ++head) {
      const HeadCount& count = counts.head(layer, head);
      list.push_back({{"layer", layer},
                      {"head", head},
                      {"kept_elements", json_number(ratio(count.kept, count.visible))},
                      {"effective_k_ratio", is_dense(policy) || has_k(policy)
                                                ? json_number(ratio(count.kept, count.topk_kept))
                                                : Json(nullptr)},
                      {"lost_mass", json_number(count.lost_mass / static_cast<double>(count.rows))},
                      {"tiles", json_number(ratio(count.tiles - count.tiles_kept, count.tiles))}});
      if (!counts.outputs.empty())
        add_output(list.back(),
                   counts.outputs[static_cast<std::size_t>(layer * counts.shape.num_heads + head)]);
    }
  return list;
}

Json per_group(const AttentionCounts& counts, const Policy& policy) {
  Json list = Json::array();
  for (std::int64_t layer = 0; layer < counts.shape.num_layers; ++layer)
    for (std::int64_t kv_head = 0; kv_head < counts.shape.num_kv_heads; ++kv_head) {
      const GroupCount& count = counts.group(layer, kv_head);
      list.push_back(
          {{"layer", layer},
           {"kv_head", kv_head},
           {"v_rows", json_number(ratio(count.rows_needed, count.rows_available))},
           {"k_rows", reads_all_keys(policy) ? json_number(ratio(count.rows_available, count.rows_available))
                                             : json_number(ratio(count.rows_needed, count.rows_available))}});
    }
  return list;
}

void add_figures(Json& json, const AttentionCounts& counts, const Policy& policy) {
  json["kept_elements"] = json_number(counts.kept_elements());
  json["v_rows"] = json_number(counts.v_rows());
  // Dense attention counts as top-k that keeps every key; other policies without a k have no effective k.
  json["effective_k_ratio"] =
      is_dense(policy) || has_k(policy) ? json_number(counts.effective_k_ratio()) : Json(nullptr);
  json["lost_mass"] = json_number(counts.lost_mass());
  json["k_rows"] = json_number(k_rows(counts, policy));
  json["tiles"] = json_number(counts.tile_sparsity());
  if (!counts.outputs.empty()) add_output(json, counts.output());
}

Json json_of(const AttentionCounts& counts, const Policy& policy, Phase phase) {
  Json json;
  json["phase"] = name_of(phase);
  add_figures(json, counts, policy);
  json["per_layer"] = Json::array();
  for (std::int64_t layer = 0; layer < counts.shape.num_layers; ++layer) {
    Json figures = {{"layer", layer}};
    add_figures(figures, counts.layer(layer), policy);
    json["per_layer"].push_back(std::move(figures));
  }
  json["per_head"] = per_head(counts, policy);
  json["per_group"] = per_group(counts, policy);
  return json;
}

Json json_of(const RunResult& run) {
  Json json;
  json["policy"] = json_of(run.policy);
  json["task"] = json_of(run.task);
  json["metrics"] = Json::object();
  for (const auto& [name, measure] : run.metrics)
    json["metrics"][name] = json_of(measure);
  if (!run.paired.empty()) {
    json["paired"] = Json::object();
    for (const auto& [name, difference] : run.paired)
      json["paired"][name] = json_of(difference);
  }
  if (!run.samples.empty()) {
    json["samples"] = Json::object();
    for (const auto& [name, values] : run.samples) {
      Json& list = json["samples"][name] = Json::array();
      for (const double value : values)
        list.push_back(json_figure(value));
    }
  }
  json["counts"] = Json::object();
  for (const auto& [name, count] : run.counts)
    json["counts"][name] = count;
  json["sparsity"] = json_of(run.sparsity, run.policy.policy, run.phase);
  json["seconds"] = Json::object();
  for (const auto& [name, seconds] : run.seconds)
    json["seconds"][name] = json_number(seconds);
  return json;
}

std::string on_one_line(const Json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Indented as the library does, except that lists of plain values take one line: they may have thousands of
// elements.
void print(const Json& value, std::size_t indent, std::string& text) {
  const bool nested = std::ranges::any_of(value, [](const Json& one) { return one.is_structured(); });
  if (value.empty() || !(value.is_object() || nested)) {
    text += on_one_line(value);
    return;
  }
  const std::string inner = "\n" + std::string(indent + 2, ' ');
  text += value.is_object() ? '{' : '[';
  const char* separator = "";
  for (const auto& [key, one] : value.items()) {
    text += separator + inner;
    if (value.is_object()) text += on_one_line(key) + ": ";
    print(one, indent + 2, text);
    separator = ",";
  }
  text += "\n" + std::string(indent, ' ') + (value.is_object() ? '}' : ']');
}

}  // namespace

Json json_number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json json_of(const Provenance& provenance) {
  return json_from(provenance);
}

Json json_of(const Results& results) {
  Json json;
  json["schema"] = kResultSchema;
  json["model"] = {{"name", results.model},
                   {"sha256", results.model_sha256},
                   {"num_layers", results.shape.num_layers},
                   {"num_heads", results.shape.num_heads},
                   {"num_kv_heads", results.shape.num_kv_heads},
                   {"head_dim", results.shape.head_dim}};
  json["runs"] = Json::array();
  for (const RunResult& run : results.runs)
    json["runs"].push_back(json_of(run));
  json["provenance"] = json_of(results.provenance);
  json["provenance"]["threads"] = results.threads;
  return json;
}

std::string format_json(const Results& results) {
  return format_json(json_of(results));
}

std::string format_json(const Json& value) {
  std::string text;
  print(value, 0, text);
  return text + "\n";
}

namespace {

// {"schema": ..., members of `about`, "rows": [{key: value}]}
std::string json_of_listing(const Listing& listing, const Layout& /*layout*/) {
  Json json;
  json["schema"] = listing.schema;
  if (listing.about.is_object()) json.update(listing.about);
  json["rows"] = Json::array();
  for (const auto& cells : listing.rows) {
    Json row;
    for (std::size_t c = 0; c < cells.size(); ++c)
      row[listing.columns[c].key] = cells[c];
    json["rows"].push_back(std::move(row));
  }
  return format_json(json);
}

}  // namespace

extern const ReportFormat kJsonReport;
const ReportFormat kJsonReport{
    .name = "json",
    .for_people = false,
    .results = [](const Results& results, const Layout& /*layout*/) { return format_json(results); },
    .listing = json_of_listing};

}  // namespace toptheta
