#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <system_error>
#include <type_traits>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/json_reader.hpp"
#include "theta/formats/curve_file.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/formats/table_columns.hpp"
#include "theta/formats/table_file.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

constexpr const char* kFormat = "toptheta.threshold-table";
constexpr const char* kDumpFormat = "toptheta.attention-dump";

void refuse(const std::optional<Fault>& fault, const std::string& where) {
  if (!fault) return;
  throw InputError({.where = where,
                    .what = fmt::format("'{}' is out of range", fault->field),
                    .expected = fault->expected,
                    .found = fault->found});
}

void require_kind(const hdf5::Group& root) {
  const std::string format = root.has_attribute("format") ? root.text_attribute("format") : "";
  if (format == kDumpFormat)
    throw InputError(
        {.where = root.file(),
         .what = "an attention dump, not a threshold table",
         .expected = fmt::format("format = '{}'", kFormat),
         .found = fmt::format("format = '{}'", format),
         .next = fmt::format("fit thresholds from it first: tt-calibrate fit {} -k 64 -o theta.h5",
                             root.file())});
  if (format != kFormat)
    throw InputError({.where = root.file(),
                      .what = "not a threshold table",
                      .expected = fmt::format("an attribute format = '{}'", kFormat),
                      .found = format.empty() ? "another HDF5 file, without the attribute"
                                              : fmt::format("format = '{}'", format),
                      .next = "give a file that tt-calibrate fit wrote"});
  const std::int64_t version = root.int_attribute("version");
  if (version < 1 || version > 3)
    throw InputError({.where = root.file(),
                      .what = "an unknown version of a threshold table",
                      .expected = "version 1 to 3",
                      .found = fmt::format("version {}", version),
                      .next = version > 3 ? "use the newer version of the program that wrote it" : ""});
}

// Reads all elements. HDF5 saturates integers that do not fit T; such a value is refused here.
template <typename T>
std::vector<T> read_exactly(const hdf5::Dataset& dataset) {
  if constexpr (std::is_floating_point_v<T> || sizeof(T) == 1) {
    return dataset.read<T>();
  } else {
    const std::vector<std::int64_t> wide = dataset.read<std::int64_t>();
    constexpr std::int64_t kMost =
        std::min<std::int64_t>(std::numeric_limits<T>::max(), std::numeric_limits<std::int64_t>::max() - 1);
    for (std::size_t i = 0; i < wide.size(); ++i)
      if (wide[i] < std::numeric_limits<T>::min() || wide[i] > kMost)
        throw InputError({.where = fmt::format("{}[{}]", dataset.where(), i),
                          .what = "a value out of range",
                          .expected = fmt::format("at most {}", kMost),
                          .found = fmt::format("{}", wide[i])});
    return {wide.begin(), wide.end()};
  }
}

// Reads a one-dimensional column of `size` elements (-1: any number).
template <typename T>
std::vector<T> read_column(const hdf5::Group& group, const std::string& name, std::int64_t size) {
  const hdf5::Dataset dataset = group.open_dataset(name);
  if (dataset.dims().size() != 1 || (size >= 0 && dataset.size() != size))
    throw InputError({.where = dataset.where(),
                      .what = "wrong shape",
                      .expected = size >= 0 ? hdf5::format_dims({size}) : "one dimension",
                      .found = hdf5::format_dims(dataset.dims())});
  // gzip cannot compress anything to less than a thousandth of its size, so a larger claim is refused before
  // any memory is allocated for it.
  constexpr std::int64_t kBestRatio = 1100;
  std::error_code ignored;
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(group.file(), ignored));
  if (dataset.size() / kBestRatio > bytes)
    throw InputError({.where = dataset.where(),
                      .what = "the data set claims more elements than the file can hold",
                      .found = fmt::format("{} in {} bytes", hdf5::format_dims(dataset.dims()), bytes)});
  return dataset.size() == 0 ? std::vector<T>() : read_exactly<T>(dataset);
}

Provenance read_provenance(const hdf5::Group& root) {
  const std::vector<std::uint8_t> bytes = read_column<std::uint8_t>(root, "provenance", -1);
  const std::string where = root.where() + "provenance";
  return provenance_from(parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, where));
}

TableMeta read_meta(const hdf5::Group& root) {
  TableMeta meta;
  meta.shape = {root.int_attribute("num_layers"), root.int_attribute("num_heads"),
                root.int_attribute("num_kv_heads"), root.int_attribute("head_dim")};
  meta.model = root.text_attribute("model");
  const std::string name = root.text_attribute("placement");
  const auto placement = value_named<Placement>(name);
  if (!placement)
    throw InputError({.where = root.where(),
                      .what = "'placement' has an unknown value",
                      .expected = listed_names<Placement>(),
                      .found = fmt::format("'{}'", name)});
  meta.placement = *placement;
  meta.estimator = root.text_attribute("estimator");
  meta.add_sigma = root.float_attribute("add_sigma");
  meta.topk_at_calibration = root.int_attribute("topk_at_calibration") != 0;
  meta.row_fraction = root.float_attribute("row_fraction");
  if (root.has_attribute("length_bins")) meta.length_bins = root.int_attribute("length_bins");
  if (root.has_attribute("keep_first")) meta.kept.first = root.int_attribute("keep_first");
  if (root.has_attribute("keep_recent")) meta.kept.recent = root.int_attribute("keep_recent");
  meta.provenance = read_provenance(root);
  refuse(find_fault(meta.shape), root.where());
  refuse(find_fault(meta), root.where());
  return meta;
}

TargetColumns read_target_columns(const hdf5::Group& group) {
  TargetColumns columns;
  columns.layer = read_column<std::int32_t>(group, "layer", -1);
  const auto size = static_cast<std::int64_t>(columns.layer.size());
  columns.head = read_column<std::int32_t>(group, "head", size);
  for (std::size_t c = 0; c < kThresholdColumns.size(); ++c) {
    const ThresholdColumn& column = kThresholdColumns[c];
    const std::string name(column.name);
    if (column.only_where_present && !group.has(name)) continue;
    std::visit(
        [&](auto member) {
          columns.values[c] = read_column<decltype(value_type_of(member))>(group, name, size);
        },
        column.member);
  }
  return columns;
}

// Empty where the target has none.
std::vector<RhoLaw> read_rho_laws(const hdf5::Group& group, const ModelShape& shape) {
  if (!group.has("rho_law")) return {};
  const hdf5::Dataset dataset = group.open_dataset("rho_law");
  const hdf5::Dims expected = {shape.num_layers * shape.num_heads, kLawTerms};
  if (dataset.dims() != expected)
    throw InputError({.where = dataset.where(),
                      .what = "wrong shape",
                      .expected = hdf5::format_dims(expected),
                      .found = hdf5::format_dims(dataset.dims())});
  return rho_laws_from(dataset.read<double>(), group.where());
}

// A data set that a newer version added may change what the thresholds mean.
void require_known_columns(const hdf5::Group& group) {
  for (const std::string& name : group.links()) {
    const bool known = name == "layer" || name == "head" || name == "layer_k" || name == "head_k" ||
                       name == "rho_law" ||
                       std::any_of(kThresholdColumns.begin(), kThresholdColumns.end(),
                                   [&name](const ThresholdColumn& column) { return column.name == name; });
    if (!known)
      throw InputError({.where = group.where() + "/" + name,
                        .what = "a column that this version of the program does not know",
                        .next = "use the newer version that wrote the table"});
  }
}

Target read_target(const hdf5::Group& group, const std::string& name, const ModelShape& shape) {
  require_known_columns(group);
  Target target;
  target.k = group.int_attribute("k");
  if (name != fmt::format("{}", target.k))
    throw InputError({.where = group.where(),
                      .what = "the name of the group differs from its k",
                      .expected = name,
                      .found = fmt::format("k = {}", target.k)});
  target.layer_k = read_column<std::int64_t>(group, "layer_k", shape.num_layers);
  std::replace(target.layer_k.begin(), target.layer_k.end(), std::int64_t{-1}, kDenseK);
  if (group.has("head_k")) {
    target.head_k = read_column<std::int64_t>(group, "head_k", shape.num_layers * shape.num_heads);
    std::replace(target.head_k.begin(), target.head_k.end(), std::int64_t{-1}, kDenseK);
  }
  refuse(find_fault(target), group.where());
  target.rho_laws = read_rho_laws(group, shape);
  target.cells = cells_from(read_target_columns(group), shape, group.where());
  return target;
}

// Version 3 exists for keys that are always kept, and version 2 for heads with a k of their own. A file that
// has lost them would be used as something else.
void require_what_version_says(const hdf5::Group& root, const ThresholdTable& table) {
  const std::int64_t version = root.int_attribute("version");
  const bool by_head = std::any_of(table.targets.begin(), table.targets.end(),
                                   [](const Target& target) { return !target.head_k.empty(); });
  if (version == 1 || (version == 2 && by_head) || (version == 3 && table.meta.kept.any())) return;
  throw InputError(
      {.where = root.where(),
       .what = fmt::format("the file says version {}, but lacks what this version adds", version),
       .expected = version == 2 ? "a target with head_k" : "keep_first or keep_recent above 0",
       .next = "calibrate again, or copy the table's file as a whole"});
}

}  // namespace

ThresholdTable load_table(const std::filesystem::path& path) {
  const hdf5::File file = hdf5::File::open(path);
  const hdf5::Group root = file.root();
  require_kind(root);
  ThresholdTable table{read_meta(root), {}};
  if (root.has("curves")) table.curves = read_curves(root, table.meta.shape);
  const hdf5::Group targets = root.open_group("targets");
  std::vector<std::pair<std::int64_t, Target>> indexed;
  const std::vector<std::string> names = targets.links();
  refuse(find_fault_of_targets(static_cast<std::int64_t>(names.size()), table.meta.shape), targets.where());
  for (const std::string& name : names) {
    const hdf5::Group group = targets.open_group(name);
    indexed.emplace_back(group.int_attribute("index"), read_target(group, name, table.meta.shape));
  }
  if (indexed.empty())
    throw InputError({.where = targets.where(), .what = "holds no thresholds", .next = "calibrate again"});
  std::stable_sort(indexed.begin(), indexed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [index, target] : indexed)
    table.targets.push_back(std::move(target));
  require_what_version_says(root, table);
  return table;
}

}  // namespace toptheta
