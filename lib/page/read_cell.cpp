#include "page/read_cell.hpp"

#include <fmt/format.h>

#include <cmath>

#include "io/json_reader.hpp"

namespace toptheta::page {

namespace {

constexpr const char* kSchema = "toptheta.result/1";
constexpr std::int64_t kMany = std::int64_t{1} << 53;

// Absent if null.
double figure(const JsonValue& object, const char* key, double low, double high) {
  const std::optional<JsonValue> value = object.find(key);
  if (!value) return kAbsent;
  const double number = value->number();
  // Sums of shares may exceed their bounds by rounding.
  constexpr double kSlack = 1e-6;
  if (number < low - kSlack || number > high + kSlack)
    value->fail("out of range", fmt::format("{} to {}", low, high));
  return number;
}

double share(const JsonValue& object, const char* key) {
  return figure(object, key, 0, 1);
}

constexpr double kHuge = std::numeric_limits<double>::max();

CellModel read_model(const JsonValue& json) {
  CellModel model;
  model.name = json.text_or("name", "");
  model.sha256 = json.text_or("sha256", "");
  model.layers = json.integer("num_layers", 1, 1 << 16);
  model.heads = json.integer("num_heads", 1, 1 << 16);
  model.kv_heads = json.integer("num_kv_heads", 1, 1 << 16);
  model.head_dim = json.integer_or("head_dim", 0, 1 << 20, 0);
  return model;
}

std::vector<std::int64_t> read_k_list(const JsonValue& json) {
  std::vector<std::int64_t> list;
  for (const JsonValue& k : json.elements())
    list.push_back(k.is_null() ? 0 : k.integer(1, kMany));
  return list;
}

CellPolicy read_policy(const JsonValue& json) {
  CellPolicy policy;
  policy.attention = json.text("attention");
  policy.k = json.integer_or("k", 1, kMany, 0);
  policy.placement = json.text_or("placement", "");
  policy.sdc = json.text_or("sdc", "none");
  policy.sdc_scale = json.number_or("sdc_scale", 1);
  policy.vmc = json.flag_or("vmc", false);
  policy.cap_k = json.flag_or("cap_k", false);
  if (const auto list = json.find("layer_k")) policy.layer_k = read_k_list(*list);
  policy.own_head_k = json.has("head_k");
  json.ignore("head_k");
  policy.lookup = json.text_or("lookup", "");
  policy.thresholds = json.text_or("thresholds", "");
  policy.add_sigma = json.number_or("add_sigma", 0);
  policy.topk_at_calibration = json.flag_or("topk_at_calibration", false);
  // The remaining numbers are the policy's own options; anything else that remains is reported as not
  // understood.
  for (const std::string& key : json.unread_keys()) {
    const std::optional<JsonValue> value = key.find('.') == std::string::npos ? json.find(key) : std::nullopt;
    if (value && value->is_number()) policy.options.emplace_back(key, value->number());
    if (value && value->is_text()) policy.attention += fmt::format(" {}={}", key, value->text());
    if (value && value->is_flag() && value->flag()) policy.attention += " " + key;
  }
  return policy;
}

CellTask read_task(const JsonValue& json) {
  CellTask task;
  task.name = json.text("name");
  task.kind = json.text("kind");
  task.examples = json.integer_or("examples", 0, kMany, 0);
  task.sha256 = json.text_or("sha256", "");
  task.definition = json.text_or("definition", "");
  return task;
}

Estimate read_estimate(const JsonValue& json) {
  Estimate estimate;
  estimate.value = figure(json, "value", -kHuge, kHuge);
  estimate.error = figure(json, "stderr", 0, kHuge);
  estimate.low = figure(json, "low", -kHuge, kHuge);
  estimate.high = figure(json, "high", -kHuge, kHuge);
  estimate.p = share(json, "p");
  json.ignore("better");
  json.ignore("worse");
  return estimate;
}

std::vector<std::pair<std::string, Estimate>> read_estimates(const JsonValue& json) {
  std::vector<std::pair<std::string, Estimate>> list;
  for (const auto& [name, value] : json.members())
    list.emplace_back(name, read_estimate(value));
  return list;
}

Sparsity read_sparsity(const JsonValue& json) {
  Sparsity sparsity;
  sparsity.kept = share(json, "kept_elements");
  sparsity.v_rows = share(json, "v_rows");
  sparsity.k_rows = share(json, "k_rows");
  sparsity.empty_tiles = share(json, "tiles");
  sparsity.effective_k = figure(json, "effective_k_ratio", 0, kHuge);
  sparsity.lost_mass = share(json, "lost_mass");
  sparsity.output_error = figure(json, "output_error", 0, kHuge);
  sparsity.output_turn = 1 - figure(json, "output_cosine", -1, 1);
  return sparsity;
}

// The elements of a list that has one for each layer, or one for each layer and each of `parts` heads, in
// order.
std::vector<JsonValue> in_order(const JsonValue& json, const char* key, std::int64_t layers, const char* part,
                                std::int64_t parts) {
  const std::optional<JsonValue> list = json.find(key);
  if (!list) return {};
  std::vector<JsonValue> elements = list->elements();
  if (static_cast<std::int64_t>(elements.size()) != layers * parts)
    list->fail("does not fit the model", fmt::format("{} entries", layers * parts));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    static_cast<void>(elements[i].integer("layer", at / parts, at / parts));
    if (part != nullptr) static_cast<void>(elements[i].integer(part, at % parts, at % parts));
  }
  return elements;
}

void read_places(const JsonValue& json, Cell& cell) {
  const CellModel& model = cell.model;
  for (const JsonValue& layer : in_order(json, "per_layer", model.layers, nullptr, 1))
    cell.layers.push_back(read_sparsity(layer));
  for (const JsonValue& head : in_order(json, "per_head", model.layers, "head", model.heads))
    cell.heads.push_back(read_sparsity(head));
  for (const JsonValue& group : in_order(json, "per_group", model.layers, "kv_head", model.kv_heads)) {
    cell.group_v_rows.push_back(share(group, "v_rows"));
    group.ignore("k_rows");
  }
}

Provenance read_provenance(const JsonValue& json) {
  Provenance provenance;
  provenance.version = json.text_or("version", "");
  provenance.commit = json.text_or("commit", "");
  provenance.command = json.text_or("command", "");
  if (const auto seed = json.find("seed")) provenance.seed = seed->unsigned_integer();
  json.ignore("threads");
  if (const auto inputs = json.find("inputs"))
    for (const JsonValue& input : inputs->elements())
      provenance.inputs.push_back(
          {input.text("path"), input.text_or("sha256", ""), input.text_or("fingerprint", "")});
  return provenance;
}

Cell read_run(const JsonValue& json, const std::string& file, const CellModel& model) {
  Cell cell;
  cell.file = file;
  cell.model = model;
  cell.policy = read_policy(json.object("policy"));
  cell.task = read_task(json.object("task"));
  cell.metrics = read_estimates(json.object("metrics"));
  if (const auto paired = json.find("paired")) cell.paired = read_estimates(*paired);
  if (const auto counts = json.find("counts"))
    for (const auto& [name, count] : counts->members())
      cell.counts.emplace_back(name, count.integer(0, kMany));
  const JsonValue sparsity = json.object("sparsity");
  cell.phase = sparsity.text("phase");
  cell.total = read_sparsity(sparsity);
  read_places(sparsity, cell);
  json.ignore("seconds");
  json.ignore("samples");
  return cell;
}

}  // namespace

std::vector<Cell> read_result(const std::filesystem::path& path, std::vector<std::string>& unknown) {
  const JsonValue json = read_json_file(path);
  if (!json.is_object() || json.text_or("schema", "") != kSchema)
    json.fail("not a result of tt-eval run", fmt::format("\"schema\": \"{}\"", kSchema),
              "remove it from the directory, or name another file");
  const CellModel model = read_model(json.object("model"));
  std::vector<Cell> cells;
  for (const JsonValue& run : json.elements("runs"))
    cells.push_back(read_run(run, path.filename().string(), model));
  if (cells.empty()) json.at("runs").fail("holds no run", "at least one");
  const Provenance provenance = read_provenance(json.object("provenance"));
  for (Cell& cell : cells)
    cell.provenance = provenance;
  for (std::string& place : json.unread_places())
    unknown.push_back(std::move(place));
  return cells;
}

}  // namespace toptheta::page
