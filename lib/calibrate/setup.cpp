#include "calibrate/setup.hpp"

#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "theta/length_bins.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

// k as it is stored: -1 stands for kDenseK.
std::int64_t stored_k(std::int64_t k) {
  return k == kDenseK ? -1 : k;
}

constexpr std::int64_t kAnyLow = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kAnyHigh = std::numeric_limits<std::int64_t>::max();

std::int64_t whole_in(const JsonValue& json, std::string_view key) {
  return json.integer(key, kAnyLow, kAnyHigh);
}

Placement placement_in(const JsonValue& json, std::string_view key) {
  const auto placement = value_named<Placement>(json.text(key));
  if (!placement) json.at(key).fail("not a placement", listed_names<Placement>());
  return *placement;
}

ModelShape shape_in(const JsonValue& json) {
  const ModelShape shape{whole_in(json, "num_layers"), whole_in(json, "num_heads"),
                         whole_in(json, "num_kv_heads"), whole_in(json, "head_dim")};
  if (const auto fault = find_fault(shape))
    json.at(fault->field).fail(fmt::format("'{}' is out of range", fault->field), fault->expected);
  return shape;
}

}  // namespace

void adopt(CalibrationOptions& options, const ThresholdTable& table) {
  options.finished = true;
  options.k.clear();
  for (const Target& target : table.targets)
    options.k.push_back(target.k);
  options.layer_k.clear();
  options.placement = table.meta.placement;
  options.add_sigma = table.meta.add_sigma;
  options.kept = table.meta.kept;
  options.length_bins = table.meta.length_bins;
}

CalibrationSetup setup_of(const CalibrationOptions& options, const SourceDescription& source) {
  CalibrationSetup setup{options, source, static_cast<std::int64_t>(source.weights.size()),
                         std::accumulate(source.weights.begin(), source.weights.end(), std::int64_t{0})};
  setup.options.progress = nullptr;
  setup.source.weights.clear();
  setup.source.bytes.clear();
  return setup;
}

nlohmann::ordered_json json_from(const CalibrationSetup& setup) {
  const CalibrationOptions& options = setup.options;
  const SourceDescription& source = setup.source;
  nlohmann::ordered_json json;
  json["k"] = options.k;
  json["layer_k"] = nlohmann::ordered_json::array();
  for (const LayerK& one : options.layer_k)
    json["layer_k"].push_back({one.layer, stored_k(one.k)});
  json["placement"] = name_of(options.placement);
  json["add_sigma"] = options.add_sigma;
  json["keep_first"] = options.kept.first;
  json["keep_recent"] = options.kept.recent;
  json["length_bins"] = options.length_bins;
  json["row_fraction"] = options.row_fraction;
  json["seed"] = options.seed;
  json["tac"] = options.tac;
  json["offline_sdc"] = options.offline_sdc;
  json["calibrated_sdc"] = options.calibrated_sdc;
  json["rho_bins"] = options.rho_bins;
  if (options.rho_law) json["rho_law"] = true;  // files without laws stay as they were before there were any
  if (options.finished) json["finished"] = true;
  json["curves"] = options.curves;
  json["pooled"] = options.pooled;
  json["num_layers"] = source.shape.num_layers;
  json["num_heads"] = source.shape.num_heads;
  json["num_kv_heads"] = source.shape.num_kv_heads;
  json["head_dim"] = source.shape.head_dim;
  json["row_content"] = name_of(source.row_content);
  json["model"] = source.model;
  json["topk_at_calibration"] = source.topk_at_calibration;
  json["context"] = source.context;
  json["unit"] = source.unit;
  json["samples"] = setup.samples;
  json["weight"] = setup.weight;
  return json;
}

CalibrationSetup setup_from(const JsonValue& json) {
  CalibrationSetup setup;
  CalibrationOptions& options = setup.options;
  for (const JsonValue& k : json.elements("k"))
    options.k.push_back(k.integer(kAnyLow, kAnyHigh));
  for (const JsonValue& pair : json.elements("layer_k")) {
    if (!pair.is_list() || pair.size() != 2) pair.fail("not a pair of layer and k");
    const std::int64_t k = pair.elements()[1].integer(kAnyLow, kAnyHigh);
    options.layer_k.push_back({pair.elements()[0].integer(kAnyLow, kAnyHigh), k == -1 ? kDenseK : k});
  }
  options.placement = placement_in(json, "placement");
  options.add_sigma = json.number("add_sigma");
  options.kept.first = json.integer_or("keep_first", 0, kAnyHigh, 0);
  options.kept.recent = json.integer_or("keep_recent", 0, kAnyHigh, 0);
  options.length_bins = json.integer_or("length_bins", 0, kMostLengthBins, 0);
  options.row_fraction = json.number("row_fraction");
  options.seed = json.at("seed").unsigned_integer();
  options.tac = json.flag("tac");
  options.offline_sdc = json.flag("offline_sdc");
  options.calibrated_sdc = json.flag("calibrated_sdc");
  options.rho_bins = json.integer_or("rho_bins", 0, kMostLengthBins, 0);
  options.rho_law = json.flag_or("rho_law", false);
  options.finished = json.flag_or("finished", false);
  options.curves = json.flag("curves");
  options.pooled = json.flag("pooled");
  setup.source.shape = shape_in(json);
  setup.source.row_content = placement_in(json, "row_content");
  setup.source.model = json.text("model");
  setup.source.topk_at_calibration = whole_in(json, "topk_at_calibration");
  setup.source.context = whole_in(json, "context");
  setup.source.unit = json.text("unit");
  setup.samples = whole_in(json, "samples");
  setup.weight = whole_in(json, "weight");
  const std::vector<std::string> unread = json.unread_keys();
  if (!unread.empty())
    throw InputError({.where = json.where(unread.front()),
                      .what = "a key that this release does not know",
                      .next = "use the release that wrote it"});
  return setup;
}

void require_same_setup(const CalibrationSetup& expected, const std::string& expected_name,
                        const CalibrationSetup& found, const std::string& path) {
  const nlohmann::ordered_json left = json_from(expected);
  const nlohmann::ordered_json right = json_from(found);
  const auto compare = [&](const std::string& key, const nlohmann::ordered_json& a,
                           const nlohmann::ordered_json& b) {
    if (a != b)
      throw InputError(
          {.where = path,
           .what = fmt::format("belongs to another calibration: '{}' is not that of {}", key, expected_name),
           .expected = a.dump(),
           .found = b.dump(),
           .next = "give files that one calibration wrote, with the same flags and inputs"});
  };
  // What only one of them has is a flag that the other lacks.
  for (const auto& [key, value] : left.items())
    compare(key, value, right.value(key, nlohmann::ordered_json(false)));
  for (const auto& [key, value] : right.items())
    if (!left.contains(key)) compare(key, false, value);
}

}  // namespace toptheta
