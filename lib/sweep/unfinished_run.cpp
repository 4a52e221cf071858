#include "sweep/unfinished_run.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "io/json_reader.hpp"
#include "report/json.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "toptheta.unfinished-run/1";
constexpr std::int64_t kMany = std::int64_t{1} << 62;

// JSON can represent neither NaN nor infinities, which perplexities may be.
std::string exact(double value) {
  return fmt::format("{:a}", value);
}
double read_exact(const JsonValue& value) {
  const std::string& text = value.text();
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') value.fail("not a number");
  return number;
}
Json exact(const std::optional<double>& value) {
  return value ? Json(exact(*value)) : Json(nullptr);
}
std::optional<double> read_optional(const JsonValue& json, const char* key) {
  const auto value = json.find(key);
  return value ? std::optional(read_exact(*value)) : std::nullopt;
}

Json list_of(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values)
    list.push_back(exact(value));
  return list;
}

template <class Estimate>
Json json_of_estimate(const std::string& name, const Estimate& estimate) {
  Json json = {{"name", name}, {"value", exact(estimate.value)}, {"stderr", exact(estimate.standard_error)}};
  if (estimate.interval) {
    json["low"] = exact(estimate.interval->low);
    json["high"] = exact(estimate.interval->high);
  }
  return json;
}

template <class Estimate>
Estimate read_estimate(const JsonValue& json) {
  Estimate estimate;
  estimate.value = read_exact(json.at("value"));
  estimate.standard_error = read_optional(json, "stderr");
  if (json.has("low"))
    estimate.interval = ConfidenceInterval{read_exact(json.at("low")), read_exact(json.at("high"))};
  return estimate;
}

Json json_of_counts(const AttentionCounts& counts) {
  Json json = {{"heads", Json::array()}, {"groups", Json::array()}};
  for (const HeadCount& head : counts.heads)
    json["heads"].push_back({head.rows, head.visible, head.kept, head.topk_kept, exact(head.lost_mass),
                             head.tiles, head.tiles_kept});
  for (const GroupCount& group : counts.groups)
    json["groups"].push_back({group.rows_needed, group.rows_available});
  json["outputs"] = Json::array();
  for (const OutputDifference& output : counts.outputs)
    json["outputs"].push_back(
        {output.rows, exact(output.squared_error), exact(output.squared_dense), exact(output.cosine)});
  return json;
}

AttentionCounts read_counts(const JsonValue& json, const ModelShape& shape) {
  AttentionCounts counts(shape);
  const std::vector<JsonValue> heads = json.elements("heads");
  const std::vector<JsonValue> groups = json.elements("groups");
  if (heads.size() != counts.heads.size() || groups.size() != counts.groups.size())
    json.fail("counts of another model");
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::vector<JsonValue> v = heads[i].elements();
    if (v.size() != 7) heads[i].fail("not the counts of a head");
    const auto count = [&v](std::size_t at) { return v[at].integer(0, kMany); };
    counts.heads[i] = {count(0), count(1), count(2), count(3), read_exact(v[4]), count(5), count(6)};
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::vector<JsonValue> v = groups[i].elements();
    if (v.size() != 2) groups[i].fail("not the counts of a KV group");
    counts.groups[i] = {v[0].integer(0, kMany), v[1].integer(0, kMany)};
  }
  const std::vector<JsonValue> outputs = json.elements("outputs");
  if (!outputs.empty() && outputs.size() != counts.heads.size()) json.fail("counts of another model");
  for (const JsonValue& output : outputs) {
    const std::vector<JsonValue> v = output.elements();
    if (v.size() != 4) output.fail("not the difference of a head's outputs");
    counts.outputs.push_back({v[0].integer(0, kMany), read_exact(v[1]), read_exact(v[2]), read_exact(v[3])});
  }
  return counts;
}

Json json_of_run(const RunResult& run) {
  Json json = {{"metrics", Json::array()}, {"paired", Json::array()},     {"samples", Json::array()},
               {"counts", Json::array()},  {"phase", name_of(run.phase)}, {"seconds", Json::array()}};
  for (const auto& [name, measure] : run.metrics)
    json["metrics"].push_back(json_of_estimate(name, measure));
  for (const auto& [name, paired] : run.paired) {
    Json one = json_of_estimate(name, paired);
    if (paired.better) one["better"] = *paired.better;
    if (paired.worse) one["worse"] = *paired.worse;
    one["p"] = exact(paired.p);
    json["paired"].push_back(std::move(one));
  }
  for (const auto& [name, values] : run.samples)
    json["samples"].push_back({{"name", name}, {"values", list_of(values)}});
  for (const auto& [name, count] : run.counts)
    json["counts"].push_back({{"name", name}, {"value", count}});
  for (const auto& [name, seconds] : run.seconds)
    json["seconds"].push_back({{"name", name}, {"value", exact(seconds)}});
  json["sparsity"] = json_of_counts(run.sparsity);
  return json;
}

PairedDifference read_paired(const JsonValue& json) {
  auto paired = read_estimate<PairedDifference>(json);
  if (json.has("better")) paired.better = json.integer("better", 0, kMany);
  if (json.has("worse")) paired.worse = json.integer("worse", 0, kMany);
  paired.p = read_optional(json, "p");
  return paired;
}

RunResult read_run(const JsonValue& json, const ModelShape& shape) {
  RunResult run;
  for (const JsonValue& one : json.elements("metrics"))
    run.metrics.emplace_back(one.text("name"), read_estimate<Measure>(one));
  for (const JsonValue& one : json.elements("paired"))
    run.paired.emplace_back(one.text("name"), read_paired(one));
  for (const JsonValue& one : json.elements("samples")) {
    std::vector<double> values;
    for (const JsonValue& value : one.elements("values"))
      values.push_back(read_exact(value));
    run.samples.emplace_back(one.text("name"), std::move(values));
  }
  for (const JsonValue& one : json.elements("counts"))
    run.counts.emplace_back(one.text("name"), one.integer("value", 0, kMany));
  for (const JsonValue& one : json.elements("seconds"))
    run.seconds.emplace_back(one.text("name"), read_exact(one.at("value")));
  const auto phase = value_named<Phase>(json.text("phase"));
  if (!phase) json.at("phase").fail("not a phase");
  run.phase = *phase;
  run.sparsity = read_counts(json.object("sparsity"), shape);
  return run;
}

}  // namespace

std::filesystem::path unfinished_path(const std::filesystem::path& output) {
  return output.string() + ".unfinished";
}

std::string unfinished_text(const std::string& origin, const std::vector<FinishedTask>& tasks) {
  Json json = {{"schema", kSchema}, {"origin", origin}, {"tasks", Json::array()}};
  for (const FinishedTask& task : tasks) {
    Json one = {{"runs", Json::array()}, {"log", task.log}, {"completions", task.completions}};
    for (const RunResult& run : task.runs)
      one["runs"].push_back(json_of_run(run));
    json["tasks"].push_back(std::move(one));
  }
  return format_json(json);
}

std::vector<FinishedTask> read_unfinished(const std::filesystem::path& path, const std::string& origin,
                                          const ModelShape& shape) {
  if (!std::filesystem::exists(path)) return {};
  const JsonValue root = read_json_file(path);
  if (root.text_or("schema", "") != kSchema)
    throw InputError({.where = path.string(), .what = "not an unfinished run", .next = "remove it"});
  if (root.text("origin") != origin)
    throw InputError({.where = path.string(),
                      .what = "belongs to another run, with another command, input, seed or program",
                      .next = "leave out --resume to start again, or give another -o"});
  std::vector<FinishedTask> tasks;
  for (const JsonValue& one : root.elements("tasks")) {
    FinishedTask& task = tasks.emplace_back();
    for (const JsonValue& run : one.elements("runs"))
      task.runs.push_back(read_run(run, shape));
    task.log = one.text("log");
    task.completions = one.at("completions").texts();
  }
  return tasks;
}

}  // namespace toptheta
