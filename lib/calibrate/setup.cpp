#include "calibrate/setup.hpp"

#include <fmt/format.h>

#include <numeric>

#include "core/error.hpp"
#include "theta/formats/json_fields.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

// kDenseK is written as -1.
std::int64_t stored_k(std::int64_t k) {
  return k == kDenseK ? -1 : k;
}

Placement placement_in(const nlohmann::json& json, const std::string& name, const std::string& where) {
  const auto placement = value_named<Placement>(json_text(json, name, where));
  if (!placement)
    throw InputError(
        {.where = where + "/" + name, .what = "not a placement", .expected = listed_names<Placement>()});
  return *placement;
}

ModelShape shape_in(const nlohmann::json& json, const std::string& where) {
  const ModelShape shape{json_integer(json, "num_layers", where), json_integer(json, "num_heads", where),
                         json_integer(json, "num_kv_heads", where), json_integer(json, "head_dim", where)};
  if (const auto fault = find_fault(shape))
    throw InputError({.where = where,
                      .what = fmt::format("'{}' is out of range", fault->field),
                      .expected = fault->expected,
                      .found = fault->found});
  return shape;
}

}  // namespace

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
  json["row_fraction"] = options.row_fraction;
  json["seed"] = options.seed;
  json["tac"] = options.tac;
  json["offline_sdc"] = options.offline_sdc;
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

CalibrationSetup setup_from(const nlohmann::json& json, const std::string& where) {
  CalibrationSetup setup;
  CalibrationOptions& options = setup.options;
  for (const nlohmann::json& k : json_array(json, "k", where))
    options.k.push_back(integer_of(k, where + "/k"));
  for (const nlohmann::json& pair : json_array(json, "layer_k", where)) {
    if (!pair.is_array() || pair.size() != 2)
      throw InputError({.where = where + "/layer_k", .what = "not pairs of layer and k"});
    const std::int64_t k = integer_of(pair[1], where + "/layer_k");
    options.layer_k.push_back({integer_of(pair[0], where + "/layer_k"), k == -1 ? kDenseK : k});
  }
  options.placement = placement_in(json, "placement", where);
  options.add_sigma = json_number(json, "add_sigma", where);
  options.row_fraction = json_number(json, "row_fraction", where);
  const nlohmann::json& seed = json_field(json, "seed", where);
  if (!seed.is_number_unsigned()) throw InputError({.where = where + "/seed", .what = "not a seed"});
  options.seed = seed.get<std::uint64_t>();
  options.tac = json_bool(json, "tac", where);
  options.offline_sdc = json_bool(json, "offline_sdc", where);
  options.curves = json_bool(json, "curves", where);
  options.pooled = json_bool(json, "pooled", where);
  setup.source.shape = shape_in(json, where);
  setup.source.row_content = placement_in(json, "row_content", where);
  setup.source.model = json_text(json, "model", where);
  setup.source.topk_at_calibration = json_integer(json, "topk_at_calibration", where);
  setup.source.context = json_integer(json, "context", where);
  setup.source.unit = json_text(json, "unit", where);
  setup.samples = json_integer(json, "samples", where);
  setup.weight = json_integer(json, "weight", where);
  return setup;
}

void require_same_setup(const CalibrationSetup& expected, const std::string& expected_name,
                        const CalibrationSetup& found, const std::string& path) {
  const nlohmann::ordered_json left = json_from(expected);
  const nlohmann::ordered_json right = json_from(found);
  for (const auto& [key, value] : left.items())
    if (right.at(key) != value)
      throw InputError(
          {.where = path,
           .what = fmt::format("belongs to another calibration: '{}' is not that of {}", key, expected_name),
           .expected = value.dump(),
           .found = right.at(key).dump(),
           .next = "give what one calibration, with the same flags and inputs, wrote"});
}

}  // namespace toptheta
