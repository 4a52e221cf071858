#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "theta/formats/json.hpp"
#include "theta/formats/json_fields.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

using nlohmann::json;

constexpr const char* kSchema = "toptheta.thresholds/1";
constexpr const char* kSchemaByHead = "toptheta.thresholds/2";

json parse(const std::string& file) {
  try {
    return json::parse(read_text_file(file));
  } catch (const json::parse_error& error) {
    throw InputError({.where = fmt::format("{}:byte {}", file, error.byte),
                      .what = "not valid JSON",
                      .found = error.what(),
                      .next = "the file may be cut off: make it again"});
  } catch (const json::out_of_range& error) {
    throw InputError({.where = file, .what = "a number too large for JSON", .found = error.what()});
  }
}

void refuse(const std::optional<Fault>& fault, const std::string& where) {
  if (!fault) return;
  throw InputError({.where = fmt::format("{}/{}", where, fault->field),
                    .what = "a value out of range",
                    .expected = fault->expected,
                    .found = fault->found});
}

TableMeta read_meta(const json& root, const std::string& where) {
  const json& object = json_field(root, "meta", where);
  const std::string place = where + "/meta";
  TableMeta meta;
  meta.shape = {json_integer(object, "num_layers", place), json_integer(object, "num_heads", place),
                json_integer(object, "num_kv_heads", place), json_integer(object, "head_dim", place)};
  meta.model = json_text(object, "model", place);
  const std::string name = json_text(object, "placement", place);
  const auto placement = value_named<Placement>(name);
  if (!placement)
    throw InputError({.where = place + "/placement",
                      .what = "not a placement",
                      .expected = listed_names<Placement>(),
                      .found = fmt::format("'{}'", name)});
  meta.placement = *placement;
  meta.estimator = json_text(object, "estimator", place);
  meta.add_sigma = json_number(object, "add_sigma", place);
  meta.topk_at_calibration = json_bool(object, "topk_at_calibration", place);
  meta.row_fraction = json_number(object, "row_fraction", place);
  meta.provenance = provenance_from(json_field(root, "provenance", where), where + "/provenance");
  refuse(find_fault(meta.shape), place);
  refuse(find_fault(meta), place);
  return meta;
}

void require_size(const json& array, std::int64_t size, const std::string& where, const char* things) {
  if (static_cast<std::int64_t>(array.size()) == size) return;
  throw InputError({.where = where,
                    .what = fmt::format("wrong number of {}", things),
                    .expected = fmt::format("{}, as in meta", size),
                    .found = fmt::format("{}", array.size())});
}

void append_k(const json& array, const std::string& where, std::vector<std::int64_t>& k) {
  for (std::size_t i = 0; i < array.size(); ++i)
    k.push_back(array[i] == "dense" ? kDenseK : integer_of(array[i], fmt::format("{}/{}", where, i)));
}

std::vector<std::int64_t> read_layer_k(const json& target, std::int64_t num_layers,
                                       const std::string& where) {
  const json& array = json_array(target, "layer_k", where);
  require_size(array, num_layers, where + "/layer_k", "layers");
  std::vector<std::int64_t> layer_k;
  append_k(array, where + "/layer_k", layer_k);
  return layer_k;
}

// Empty where the target has none.
std::vector<std::int64_t> read_head_k(const json& target, const ModelShape& shape, const std::string& where) {
  std::vector<std::int64_t> head_k;
  if (!target.contains("head_k")) return head_k;
  const json& layers = json_array(target, "head_k", where);
  require_size(layers, shape.num_layers, where + "/head_k", "layers");
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const std::string place = fmt::format("{}/head_k/{}", where, layer);
    if (!layers[layer].is_array())
      throw InputError({.where = place, .what = "not a list", .expected = "the k of the layer's heads"});
    require_size(layers[layer], shape.num_heads, place, "heads");
    append_k(layers[layer], place, head_k);
  }
  return head_k;
}

double number_or_null(const json& value, const std::string& where) {
  return value.is_null() ? kNotCalibrated : number_of(value, where);
}

// The columns of one cell, `length` first, checked to be equally long.
std::vector<ThresholdEntry> read_entries(const json& cell, const std::string& where) {
  const json& lengths = json_array(cell, "length", where);
  std::vector<ThresholdEntry> entries(lengths.size());
  const auto fill = [&](const char* name, auto store) {
    const json& array = json_array(cell, name, where);
    if (array.size() != entries.size())
      throw InputError({.where = fmt::format("{}/{}", where, name),
                        .what = "columns of different length",
                        .expected = fmt::format("{} elements, as in length", entries.size()),
                        .found = fmt::format("{}", array.size())});
    for (std::size_t i = 0; i < entries.size(); ++i)
      store(entries[i], array[i], fmt::format("{}/{}/{}", where, name, i));
  };
  fill("length", [](ThresholdEntry& entry, const json& value, const std::string& place) {
    constexpr std::int64_t kLongest = std::numeric_limits<std::int32_t>::max();
    // Out of range either way becomes 0, which the check of the entry refuses.
    const std::int64_t length = integer_of(value, place);
    entry.length = length < 0 || length > kLongest ? 0 : static_cast<std::int32_t>(length);
  });
  fill("theta",
       [](auto& entry, const json& value, const auto& place) { entry.theta = number_of(value, place); });
  fill("std", [](auto& entry, const json& value, const auto& place) { entry.std = number_of(value, place); });
  fill("count",
       [](auto& entry, const json& value, const auto& place) { entry.count = integer_of(value, place); });
  fill("sdc",
       [](auto& entry, const json& value, const auto& place) { entry.sdc = number_or_null(value, place); });
  fill("kept_mass", [](auto& entry, const json& value, const auto& place) {
    entry.kept_mass = number_or_null(value, place);
  });
  return entries;
}

void require_entries(const std::vector<ThresholdEntry>& entries, const std::string& where) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (const auto fault = find_fault(entries[i]))
      throw InputError({.where = fmt::format("{}/{}/{}", where, fault->field, i),
                        .what = "a value out of range",
                        .expected = fault->expected,
                        .found = fault->found});
    if (i > 0 && entries[i].length <= entries[i - 1].length)
      throw InputError({.where = fmt::format("{}/length/{}", where, i),
                        .what = "lengths must ascend",
                        .expected = fmt::format("more than {}", entries[i - 1].length),
                        .found = fmt::format("{}", entries[i].length)});
  }
}

Target read_target(const json& object, const ModelShape& shape, const std::string& where) {
  Target target;
  target.k = json_integer(object, "k", where);
  target.layer_k = read_layer_k(object, shape.num_layers, where);
  target.head_k = read_head_k(object, shape, where);
  refuse(find_fault(target), where);
  target.cells.resize(static_cast<std::size_t>(shape.num_layers * shape.num_heads));
  const json& cells = json_array(object, "cells", where);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string place = fmt::format("{}/cells/{}", where, i);
    const std::int64_t layer = json_integer(cells[i], "layer", place);
    const std::int64_t head = json_integer(cells[i], "head", place);
    const bool inside = layer >= 0 && layer < shape.num_layers && head >= 0 && head < shape.num_heads;
    const auto cell = static_cast<std::size_t>(inside ? layer * shape.num_heads + head : 0);
    if (!inside || !target.cells[cell].empty())
      throw InputError(
          {.where = place,
           .what = inside ? "a second cell for the same layer and head" : "no such layer and head",
           .expected = fmt::format("{} layers of {} heads, each once", shape.num_layers, shape.num_heads),
           .found = fmt::format("layer {}, head {}", layer, head)});
    target.cells[cell] = read_entries(cells[i], place);
    require_entries(target.cells[cell], place);
  }
  return target;
}

}  // namespace

ThresholdTable read_json(const std::filesystem::path& path) {
  const std::string file = path.string();
  const json root = parse(file);
  const std::string where = file + ":";
  const std::string schema = json_text(root, "schema", where);
  if (schema != kSchema && schema != kSchemaByHead)
    throw InputError({.where = where + "/schema",
                      .what = "not a threshold table",
                      .expected = fmt::format("'{}' or '{}'", kSchema, kSchemaByHead),
                      .found = fmt::format("'{}'", schema)});
  ThresholdTable table;
  table.meta = read_meta(root, where);
  const json& targets = json_array(root, "targets", where);
  if (targets.empty()) throw InputError({.where = where + "/targets", .what = "holds no thresholds"});
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string place = fmt::format("{}/targets/{}", where, i);
    table.targets.push_back(read_target(targets[i], table.meta.shape, place));
    for (std::size_t j = 0; j < i; ++j)
      if (table.targets[j].k == table.targets[i].k)
        throw InputError(
            {.where = place + "/k", .what = fmt::format("k = {} stands twice", table.targets[i].k)});
  }
  return table;
}

}  // namespace toptheta
