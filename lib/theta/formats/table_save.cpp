#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"
#include "theta/formats/column_file.hpp"
#include "theta/formats/curve_file.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/formats/table_columns.hpp"
#include "theta/formats/table_file.hpp"

namespace toptheta {

namespace {

// Readers of version 1 would take no notice of head_k and use the k of the layer. Those of version 2 would
// take no notice of positions that are always kept.
std::int64_t version_of(const ThresholdTable& table) {
  const bool by_head = std::any_of(table.targets.begin(), table.targets.end(),
                                   [](const Target& target) { return !target.head_k.empty(); });
  if (table.meta.kept.any()) return 3;
  return by_head ? 2 : 1;
}

void write_meta(hdf5::Group& root, const TableMeta& meta, std::int64_t version) {
  root.write_attribute("format", "toptheta.threshold-table");
  root.write_attribute("version", version);
  root.write_attribute("num_layers", meta.shape.num_layers);
  root.write_attribute("num_heads", meta.shape.num_heads);
  root.write_attribute("num_kv_heads", meta.shape.num_kv_heads);
  root.write_attribute("head_dim", meta.shape.head_dim);
  root.write_attribute("model", meta.model);
  root.write_attribute("placement", name_of(meta.placement));
  root.write_attribute("estimator", meta.estimator);
  root.write_attribute("add_sigma", meta.add_sigma);
  root.write_attribute("topk_at_calibration", std::int64_t{meta.topk_at_calibration ? 1 : 0});
  root.write_attribute("row_fraction", meta.row_fraction);
  if (meta.length_bins > 0) root.write_attribute("length_bins", meta.length_bins);
  if (meta.kept.first > 0) root.write_attribute("keep_first", meta.kept.first);
  if (meta.kept.recent > 0) root.write_attribute("keep_recent", meta.kept.recent);
  // A data set, because the names of a thousand dumps do not fit into an attribute.
  const std::string json = dump_json(json_from(meta.provenance));
  write_column(root, "provenance", hdf5::Element::u8, std::vector<std::uint8_t>(json.begin(), json.end()));
}

hdf5::Element element_of(const std::vector<std::int32_t>& /*values*/) {
  return hdf5::Element::i32;
}
hdf5::Element element_of(const std::vector<std::int64_t>& /*values*/) {
  return hdf5::Element::i64;
}
hdf5::Element element_of(const std::vector<double>& /*values*/) {
  return hdf5::Element::f64;
}

void write_target(hdf5::Group group, const Target& target, std::size_t index, std::int64_t num_heads) {
  using hdf5::Element;
  group.write_attribute("k", target.k);
  group.write_attribute("index", static_cast<std::int64_t>(index));
  write_column(group, "layer_k", Element::i64, stored_k(target.layer_k));
  if (!target.head_k.empty()) write_column(group, "head_k", Element::i64, stored_k(target.head_k));
  for_each_column(columns_from(target, num_heads), [&group](std::string_view name, const auto& values) {
    write_column(group, std::string(name), element_of(values), values);
  });
  if (!target.has_rho_laws()) return;
  const std::vector<double> laws = stored_rho_laws(target);
  group.create_dataset("rho_law", Element::f64, {std::ssize(target.cells), kLawTerms})
      .write(std::span<const double>(laws));
}

}  // namespace

void save_table(const ThresholdTable& table, const std::filesystem::path& path) {
  AtomicFile output(path);
  hdf5::File file = hdf5::File::create(output.temporary(), path.string());
  {
    hdf5::Group root = file.root();
    write_meta(root, table.meta, version_of(table));
    hdf5::Group targets = root.create_group("targets");
    for (std::size_t i = 0; i < table.targets.size(); ++i)
      write_target(targets.create_group(fmt::format("{}", table.targets[i].k)), table.targets[i], i,
                   table.meta.shape.num_heads);
    if (!table.curves.empty()) write_curves(root, table.curves, table.meta.shape.num_heads);
  }
  file.close();
  output.commit();
}

}  // namespace toptheta
