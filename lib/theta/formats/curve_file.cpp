#include "theta/formats/curve_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/error.hpp"
#include "theta/formats/column_file.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kVersion = 1;

std::vector<std::int64_t> read_column(const hdf5::Group& group, const std::string& name, std::size_t size) {
  const hdf5::Dataset dataset = group.open_dataset(name);
  if (dataset.dims().size() != 1 || dataset.size() != static_cast<std::int64_t>(size))
    throw InputError({.where = dataset.where(),
                      .what = "wrong shape",
                      .expected = hdf5::format_dims({static_cast<std::int64_t>(size)}),
                      .found = hdf5::format_dims(dataset.dims())});
  return size == 0 ? std::vector<std::int64_t>() : dataset.read<std::int64_t>();
}

std::size_t size_of_column(const hdf5::Group& group, const std::string& name) {
  return static_cast<std::size_t>(group.open_dataset(name).size());
}

[[noreturn]] void refuse(const hdf5::Group& group, const char* column, std::size_t at, std::int64_t found) {
  throw InputError({.where = fmt::format("{}/{}[{}]", group.where(), column, at),
                    .what = "a value out of range or out of order",
                    .found = fmt::format("{}", found),
                    .next = "the file is damaged: calibrate again"});
}

struct Columns {
  std::vector<std::int64_t> layer, head, length_bin, rows, shortest, longest, bins;
  std::vector<std::int64_t> bin, count, mass;
};

Columns read_columns(const hdf5::Group& group) {
  const std::size_t curves = size_of_column(group, "layer");
  const std::size_t bins = size_of_column(group, "bin");
  return {read_column(group, "layer", curves),      read_column(group, "head", curves),
          read_column(group, "length_bin", curves), read_column(group, "rows", curves),
          read_column(group, "shortest", curves),   read_column(group, "longest", curves),
          read_column(group, "bins", curves),       read_column(group, "bin", bins),
          read_column(group, "count", bins),        read_column(group, "mass", bins)};
}

// A data set that a newer version added may change what the curves mean.
void require_known_curve_columns(const hdf5::Group& group) {
  static constexpr std::string_view kKnown[] = {"layer",   "head", "length_bin", "rows",  "shortest",
                                                "longest", "bins", "bin",        "count", "mass"};
  for (const std::string& name : group.links())
    if (std::ranges::find(kKnown, name) == std::end(kKnown))
      throw InputError({.where = group.where() + "/" + name,
                        .what = "a column that this version of the program does not know",
                        .next = "use the newer version that wrote the table"});
}

// The bins [first, first + columns.bins[c]) of curve c.
std::vector<CurveBin> bins_of(const hdf5::Group& group, const Columns& columns, std::size_t c,
                              std::size_t first) {
  // What the curve's rows can hold at most, which keeps sums of many curves within 64 bits. Weights are
  // floats, so that those of a row add up to nearly 1.
  const std::int64_t elements = columns.rows[c] * columns.longest[c];
  const auto mass =
      static_cast<std::int64_t>(1.001 * static_cast<double>(columns.rows[c]) / kMassUnit) + elements;
  const std::int64_t size = columns.bins[c];
  if (size < 1 || static_cast<std::uint64_t>(size) > columns.bin.size() - first)
    refuse(group, "bins", c, size);
  std::vector<CurveBin> bins;
  bins.reserve(static_cast<std::size_t>(size));
  std::int64_t counts = 0;
  std::int64_t masses = 0;
  for (std::size_t i = first; i < first + static_cast<std::size_t>(size); ++i) {
    const std::int64_t bin = columns.bin[i];
    if (bin < -kScoreBinLimit || bin > kScoreBinLimit || (!bins.empty() && bin <= bins.back().bin))
      refuse(group, "bin", i, bin);
    if (columns.count[i] < 1 || columns.count[i] > elements - counts)
      refuse(group, "count", i, columns.count[i]);
    if (columns.mass[i] < 0 || columns.mass[i] > mass - masses) refuse(group, "mass", i, columns.mass[i]);
    counts += columns.count[i];
    masses += columns.mass[i];
    bins.push_back({static_cast<std::int32_t>(bin), columns.count[i], columns.mass[i]});
  }
  // A curve counts every element of its rows.
  if (counts < columns.rows[c] * columns.shortest[c]) refuse(group, "rows", c, columns.rows[c]);
  return bins;
}

}  // namespace

void write_curves(hdf5::Group& parent, const ScoreCurves& curves, std::int64_t num_heads) {
  using hdf5::Element;
  Columns columns;
  for (std::size_t cell = 0; cell < curves.cells.size(); ++cell)
    for (const ScoreCurve& curve : curves.cells[cell]) {
      columns.layer.push_back(static_cast<std::int64_t>(cell) / num_heads);
      columns.head.push_back(static_cast<std::int64_t>(cell) % num_heads);
      columns.length_bin.push_back(curve.length_bin);
      columns.rows.push_back(curve.rows);
      columns.shortest.push_back(curve.shortest);
      columns.longest.push_back(curve.longest);
      columns.bins.push_back(static_cast<std::int64_t>(curve.bins.size()));
      for (const CurveBin& bin : curve.bins) {
        columns.bin.push_back(bin.bin);
        columns.count.push_back(bin.count);
        columns.mass.push_back(bin.mass);
      }
    }
  hdf5::Group group = parent.create_group("curves");
  group.write_attribute("version", kVersion);
  group.write_attribute("mass_unit", kMassUnit);
  write_column(group, "layer", Element::i64, columns.layer);
  write_column(group, "head", Element::i64, columns.head);
  write_column(group, "length_bin", Element::i64, columns.length_bin);
  write_column(group, "rows", Element::i64, columns.rows);
  write_column(group, "shortest", Element::i64, columns.shortest);
  write_column(group, "longest", Element::i64, columns.longest);
  write_column(group, "bins", Element::i64, columns.bins);
  write_column(group, "bin", Element::i64, columns.bin);
  write_column(group, "count", Element::i64, columns.count);
  write_column(group, "mass", Element::i64, columns.mass);
}

ScoreCurves read_curves(const hdf5::Group& parent, const ModelShape& shape) {
  const hdf5::Group group = parent.open_group("curves");
  if (const std::int64_t version = group.int_attribute("version"); version != kVersion)
    throw InputError({.where = group.where(),
                      .what = "an unknown version of curves",
                      .expected = fmt::format("version {}", kVersion),
                      .found = fmt::format("version {}", version),
                      .next = "use the version of the program that wrote them"});
  if (const double unit = group.float_attribute("mass_unit"); unit != kMassUnit)
    throw InputError({.where = group.where(),
                      .what = "'mass_unit' is another than this version counts in",
                      .expected = fmt::format("{}", kMassUnit),
                      .found = fmt::format("{}", unit)});
  require_known_curve_columns(group);
  const Columns columns = read_columns(group);
  ScoreCurves curves{
      std::vector<std::vector<ScoreCurve>>(static_cast<std::size_t>(shape.num_layers * shape.num_heads))};
  std::size_t first = 0;
  for (std::size_t c = 0; c < columns.layer.size(); ++c) {
    if (columns.layer[c] < 0 || columns.layer[c] >= shape.num_layers)
      refuse(group, "layer", c, columns.layer[c]);
    if (columns.head[c] < 0 || columns.head[c] >= shape.num_heads) refuse(group, "head", c, columns.head[c]);
    auto& cell = curves.cells[static_cast<std::size_t>(columns.layer[c] * shape.num_heads + columns.head[c])];
    if (columns.rows[c] < 1 || columns.rows[c] > kMaxCurveRows) refuse(group, "rows", c, columns.rows[c]);
    if (columns.shortest[c] < 1 || columns.shortest[c] > columns.longest[c])
      refuse(group, "shortest", c, columns.shortest[c]);
    if (columns.longest[c] > INT32_MAX) refuse(group, "longest", c, columns.longest[c]);
    if (columns.length_bin[c] != length_bin(static_cast<std::int32_t>(columns.shortest[c])) ||
        columns.length_bin[c] != length_bin(static_cast<std::int32_t>(columns.longest[c])) ||
        (!cell.empty() && columns.length_bin[c] <= cell.back().length_bin))
      refuse(group, "length_bin", c, columns.length_bin[c]);
    cell.push_back({static_cast<std::int32_t>(columns.length_bin[c]), columns.rows[c],
                    static_cast<std::int32_t>(columns.shortest[c]),
                    static_cast<std::int32_t>(columns.longest[c]), bins_of(group, columns, c, first)});
    first += cell.back().bins.size();
  }
  if (first != columns.bin.size())
    refuse(group, "bins", columns.bins.size(), static_cast<std::int64_t>(first));
  return curves;
}

}  // namespace toptheta
