#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"
#include "io/json_reader.hpp"
#include "theta/columns.hpp"
#include "theta/formats/json.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

constexpr const char* kSchema = "toptheta.thresholds/1";
constexpr const char* kSchemaByHead = "toptheta.thresholds/2";
constexpr JsonLimits kTableLimits{.bytes = std::size_t{2} << 30U};
constexpr std::int64_t kAnyLow = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kAnyHigh = std::numeric_limits<std::int64_t>::max();

std::int64_t whole(const JsonValue& object, std::string_view key) {
  return object.integer(key, kAnyLow, kAnyHigh);
}

void refuse_value(const std::optional<Fault>& fault, const JsonValue& object) {
  if (!fault) return;
  throw InputError({.where = object.where(fault->field),
                    .what = "a value out of range",
                    .expected = fault->expected,
                    .found = fault->found});
}

TableMeta read_json_meta(const JsonValue& root) {
  const JsonValue object = root.object("meta");
  TableMeta meta;
  meta.shape = {whole(object, "num_layers"), whole(object, "num_heads"), whole(object, "num_kv_heads"),
                whole(object, "head_dim")};
  meta.model = object.text("model");
  const auto placement = value_named<Placement>(object.text("placement"));
  if (!placement) object.at("placement").fail("not a placement", listed_names<Placement>());
  meta.placement = *placement;
  meta.estimator = object.text("estimator");
  meta.add_sigma = object.number("add_sigma");
  meta.topk_at_calibration = object.flag("topk_at_calibration");
  meta.row_fraction = object.number("row_fraction");
  meta.length_bins = object.integer_or("length_bins", kAnyLow, kAnyHigh, 0);
  meta.kept.first = object.integer_or("keep_first", kAnyLow, kAnyHigh, 0);
  meta.kept.recent = object.integer_or("keep_recent", kAnyLow, kAnyHigh, 0);
  meta.provenance = provenance_from(root.object("provenance"));
  refuse_value(find_fault(meta.shape), object);
  refuse_value(find_fault(meta), object);
  return meta;
}

void require_count(const JsonValue& list, std::int64_t size, const char* things) {
  if (static_cast<std::int64_t>(list.size()) != size)
    list.fail(fmt::format("wrong number of {}", things), fmt::format("{}, as in meta", size));
}

void append_k(const JsonValue& list, std::vector<std::int64_t>& k) {
  for (const JsonValue& value : list.elements())
    k.push_back(value.is_text() && value.text() == "dense" ? kDenseK : value.integer(kAnyLow, kAnyHigh));
}

// Empty where the target has no head_k.
std::vector<std::int64_t> read_json_head_k(const JsonValue& target, const ModelShape& shape) {
  std::vector<std::int64_t> head_k;
  const auto layers = target.find("head_k");
  if (!layers) return head_k;
  const std::vector<JsonValue> lists = layers->elements();
  require_count(*layers, shape.num_layers, "layers");
  for (const JsonValue& list : lists) {
    require_count(list, shape.num_heads, "heads");
    append_k(list, head_k);
  }
  return head_k;
}

// Empty where the target has no rho_law.
std::vector<RhoLaw> read_json_rho_laws(const JsonValue& target, const ModelShape& shape) {
  std::vector<RhoLaw> laws;
  if (!target.has("rho_law")) return laws;
  const JsonValue layers = target.at("rho_law");
  require_count(layers, shape.num_layers, "layers");
  for (const JsonValue& layer : layers.elements()) {
    require_count(layer, shape.num_heads, "heads");
    for (const JsonValue& law : layer.elements()) {
      laws.emplace_back();
      if (law.is_null()) continue;
      const std::vector<JsonValue> terms = law.elements();
      if (terms.size() != 3) law.fail("not the three coefficients of a law", "c0, c1 and c2");
      laws.back() = {terms[0].number(), terms[1].number(), terms[2].number()};
    }
  }
  return laws;
}

template <class Number>
Number number_from(const JsonValue& value, const ThresholdColumn& column) {
  if constexpr (std::is_floating_point_v<Number>) {
    return value.is_null() && column.may_be_missing ? kNotCalibrated : value.number();
  } else {
    // A number that is out of range either way becomes -1, which the check of the entry refuses.
    const std::int64_t number = value.integer(kAnyLow, kAnyHigh);
    const bool fits = number >= 0 && number <= std::numeric_limits<Number>::max();
    return fits ? static_cast<Number>(number) : Number{-1};
  }
}

// The entries of one cell. Its columns must be equally long, and each entry valid and in order.
std::vector<ThresholdEntry> read_json_entries(const JsonValue& cell) {
  const std::size_t size = cell.elements("length").size();
  std::vector<ThresholdEntry> entries(size);
  for (const ThresholdColumn& column : kThresholdColumns) {
    if (column.only_where_present && !cell.has(column.name)) continue;
    const JsonValue list = cell.at(column.name);
    const std::vector<JsonValue> values = list.elements();
    if (values.size() != size)
      list.fail("columns of different length", fmt::format("{} elements, as in length", size));
    std::visit(
        [&](auto member) {
          for (std::size_t i = 0; i < size; ++i)
            entries[i].*member = number_from<decltype(value_type_of(member))>(values[i], column);
        },
        column.member);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (const auto fault = find_fault(entries[i]))
      cell.elements(fault->field)[i].fail("a value out of range", fault->expected);
    if (i > 0 && entries[i].length <= entries[i - 1].length)
      cell.elements("length")[i].fail("lengths must ascend",
                                      fmt::format("more than {}", entries[i - 1].length));
  }
  return entries;
}

Target read_json_target(const JsonValue& object, const ModelShape& shape) {
  Target target;
  target.k = whole(object, "k");
  append_k(object.at("layer_k"), target.layer_k);
  require_count(object.at("layer_k"), shape.num_layers, "layers");
  target.head_k = read_json_head_k(object, shape);
  target.rho_laws = read_json_rho_laws(object, shape);
  refuse_value(find_fault(target), object);
  target.cells.resize(static_cast<std::size_t>(shape.num_layers * shape.num_heads));
  for (const JsonValue& cell : object.elements("cells")) {
    const std::int64_t layer = whole(cell, "layer");
    const std::int64_t head = whole(cell, "head");
    const bool inside = layer >= 0 && layer < shape.num_layers && head >= 0 && head < shape.num_heads;
    const auto index = static_cast<std::size_t>(inside ? layer * shape.num_heads + head : 0);
    if (!inside || !target.cells[index].empty())
      throw InputError(
          {.where = cell.where(),
           .what = inside ? "a second cell for the same layer and head" : "no such layer and head",
           .expected = fmt::format("{} layers of {} heads, each once", shape.num_layers, shape.num_heads),
           .found = fmt::format("layer {}, head {}", layer, head)});
    target.cells[index] = read_json_entries(cell);
  }
  return target;
}

}  // namespace

ThresholdTable read_json(const std::filesystem::path& path) {
  const JsonValue root = read_json_file(path, kTableLimits);
  const std::string& schema = root.text("schema");
  if (schema != kSchema && schema != kSchemaByHead)
    root.at("schema").fail("not a threshold table", fmt::format("'{}' or '{}'", kSchema, kSchemaByHead));
  ThresholdTable table;
  table.meta = read_json_meta(root);
  const std::vector<JsonValue> targets = root.elements("targets");
  if (targets.empty()) root.at("targets").fail("holds no thresholds");
  if (const auto fault = find_fault_of_targets(static_cast<std::int64_t>(targets.size()), table.meta.shape))
    root.at("targets").fail("too many targets", fault->expected);
  for (const JsonValue& target : targets) {
    table.targets.push_back(read_json_target(target, table.meta.shape));
    const std::int64_t k = table.targets.back().k;
    if (std::count_if(table.targets.begin(), table.targets.end(),
                      [k](const Target& other) { return other.k == k; }) > 1)
      target.at("k").fail(fmt::format("k = {} appears twice", k));
  }
  const std::vector<std::string> unread = root.unread_keys();
  if (!unread.empty())
    throw InputError({.where = fmt::format("{}:{}", path.string(), unread.front()),
                      .what = "a key that this version of the program does not know",
                      .next = "remove it, or use the version that wrote it"});
  return table;
}

}  // namespace toptheta
