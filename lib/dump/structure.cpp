#include "dump/structure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <system_error>
#include <tuple>
#include <utility>

#include "core/error.hpp"
#include "dump/float_dataset.hpp"
#include "dump/repeated_attributes.hpp"
#include "io/hdf5_identity.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kVersion = 1;
// Far above every existing model. These limits keep a damaged file from claiming absurd amounts of memory and
// work (docs/limits.md).
constexpr std::int64_t kMostLayers = 4096;
constexpr std::int64_t kMostHeads = 4096;
constexpr std::int64_t kMostHeadsInAll = 1 << 18;
constexpr std::int64_t kMostHeadDim = 1 << 16;

std::int64_t int_in(const hdf5::Object& object, const std::string& name, std::int64_t low,
                    std::int64_t high) {
  const std::int64_t value = object.int_attribute(name);
  if (value < low || value > high) {
    throw InputError({.where = object.where(),
                      .what = fmt::format("attribute '{}' is out of range", name),
                      .expected = fmt::format("{} to {}", low, high),
                      .found = std::to_string(value)});
  }
  return value;
}

std::string optional_text(const hdf5::Object& object, const std::string& name) {
  return object.has_attribute(name) ? object.text_attribute(name) : std::string();
}

// A text attribute that holds a name of E.
template <NamedEnum E>
E choice(const hdf5::Object& object, const std::string& name) {
  const std::string text = object.text_attribute(name);
  const std::optional<E> value = value_named<E>(text);
  if (!value) {
    throw InputError({.where = object.where(),
                      .what = fmt::format("attribute '{}' has an unknown value", name),
                      .expected = listed_names<E>(),
                      .found = text});
  }
  return *value;
}

void require_format(const hdf5::Group& root) {
  if (!root.has_attribute("format")) {
    throw InputError({.where = root.where(),
                      .what = "not an attention dump: attribute 'format' is missing",
                      .expected = fmt::format("format = \"{}\"", kDumpFormat)});
  }
  const std::string format = root.text_attribute("format");
  if (format != kDumpFormat) {
    throw InputError({.where = root.where(),
                      .what = "not an attention dump",
                      .expected = fmt::format("format = \"{}\"", kDumpFormat),
                      .found = fmt::format("format = \"{}\"", format)});
  }
  const std::int64_t version = root.int_attribute("version");
  if (version != kVersion) {
    throw InputError({.where = root.where(),
                      .what = "an unknown version of the dump format",
                      .expected = fmt::format("version {}", kVersion),
                      .found = fmt::format("version {}", version)});
  }
}

double read_scale(const hdf5::Group& root) {
  const double scale = root.float_attribute("scale");
  if (!std::isfinite(static_cast<float>(scale)) || static_cast<float>(scale) <= 0) {
    throw InputError({.where = root.where(),
                      .what = "attribute 'scale' is not a usable factor",
                      .expected = "a positive number, usually 1 / sqrt(head_dim)",
                      .found = fmt::format("{}", scale)});
  }
  return scale;
}

// What the rows hold. Running-softmax values are not stored: they are computed from scores.
Placement read_placement(const hdf5::Group& root) {
  const std::string text = root.text_attribute("placement");
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax})
    if (text == name_of(placement)) return placement;
  throw InputError(
      {.where = root.where(),
       .what = "attribute 'placement' has an unknown value",
       .expected = fmt::format("{} or {}", name_of(Placement::pre_softmax), name_of(Placement::post_softmax)),
       .found = text,
       .next = text == name_of(Placement::running_softmax)
                   ? "write pre-softmax scores, and give --placement running-softmax to tt-calibrate"
                   : ""});
}

// Reads the sink logits. Where a model has them and its dump of scores, queries or keys lacks them, softmax
// weights would silently be wrong, so such a dump is refused.
std::vector<float> read_sinks(const hdf5::Group& root, const DumpHeader& header) {
  const bool said = root.has_attribute("has_sinks");
  const bool has = said && int_in(root, "has_sinks", 0, 1) == 1;
  if (!root.has("sinks")) {
    if (has && header.placement == Placement::pre_softmax)
      throw InputError({.where = root.where(),
                        .what = "the model has sink logits, which the dump does not hold",
                        .expected = fmt::format("a data set sinks [{}, {}]", header.shape.num_layers,
                                                header.shape.num_heads),
                        .next = "write the dump again with the sink logit of each layer and query head"});
    return {};
  }
  FloatDataset values(root.open_dataset("sinks"));
  const hdf5::Dataset& dataset = values.dataset();
  if (said && !has)
    throw InputError(
        {.where = dataset.where(),
         .what = "sink logits in the dump of a model that has none according to the attribute has_sinks",
         .next = "set has_sinks to 1, or leave the data set out"});
  const hdf5::Dims dims = {header.shape.num_layers, header.shape.num_heads};
  if (dataset.dims() != dims)
    throw InputError({.where = dataset.where(),
                      .what = "wrong shape",
                      .expected = hdf5::format_dims(dims),
                      .found = hdf5::format_dims(dataset.dims())});
  require_floats(dataset);
  const hdf5::Box all{{0, 0}, dims};
  constexpr std::string_view kAxes[] = {"layer", "head"};
  dataset.require_written({&all, 1}, kAxes);
  std::vector<float> sinks(static_cast<std::size_t>(dataset.size()));
  values.load({&all, 1}, dataset.size());
  values.widen(0, sinks);
  for (std::size_t i = 0; i < sinks.size(); ++i)
    if (std::isnan(sinks[i]) || sinks[i] == std::numeric_limits<float>::infinity())
      throw InputError({.where = dataset.where(),
                        .what = "not a sink logit",
                        .expected = "a finite number, or -infinity for a head without a sink",
                        .found = fmt::format("{} at layer {}, head {}", sinks[i],
                                             static_cast<std::int64_t>(i) / header.shape.num_heads,
                                             static_cast<std::int64_t>(i) % header.shape.num_heads)});
  // Softmax weights are divided by the whole denominator already.
  return header.placement == Placement::pre_softmax ? sinks : std::vector<float>();
}

DumpHeader read_header(const hdf5::Group& root) {
  require_format(root);
  DumpHeader header;
  header.content = choice<DumpContent>(root, "content");
  const bool qk = header.content == DumpContent::qk;
  if (!qk) header.placement = read_placement(root);
  header.shape.num_layers = int_in(root, "num_layers", 1, kMostLayers);
  header.shape.num_heads = int_in(root, "num_heads", 1, kMostHeads);
  header.shape.num_kv_heads = int_in(root, "num_kv_heads", 1, kMostHeads);
  header.shape.head_dim = int_in(root, "head_dim", qk ? 1 : 0, kMostHeadDim);
  if (header.shape.num_layers * header.shape.num_heads > kMostHeadsInAll)
    throw InputError(
        {.where = root.where(),
         .what = "num_layers times num_heads is out of range",
         .expected = fmt::format("at most {} heads in all layers", kMostHeadsInAll),
         .found = fmt::format("{} layers of {} heads", header.shape.num_layers, header.shape.num_heads)});
  if (header.shape.num_heads % header.shape.num_kv_heads != 0) {
    throw InputError({.where = root.where(),
                      .what = "num_kv_heads does not divide num_heads",
                      .found = fmt::format("num_heads {}, num_kv_heads {}", header.shape.num_heads,
                                           header.shape.num_kv_heads)});
  }
  if (qk) header.scale = read_scale(root);
  header.sinks = read_sinks(root, header);
  header.model = optional_text(root, "model");
  header.producer = optional_text(root, "producer");
  if (root.has_attribute("topk_at_calibration")) {
    header.topk_at_calibration =
        int_in(root, "topk_at_calibration", 0, std::numeric_limits<std::int64_t>::max());
  }
  return header;
}

[[noreturn]] void fail_shape(const hdf5::Dataset& dataset, std::string expected) {
  throw InputError({.where = dataset.where(),
                    .what = "wrong shape",
                    .expected = std::move(expected),
                    .found = hdf5::format_dims(dataset.dims())});
}

// Each row has at least one element, and filters compress less than 1100-fold. A shape with more rows than
// that is damaged, and is refused before a list of its rows is made. Files where only sampled rows were
// written have few rows.
void require_plausible(const hdf5::Dataset& dataset) {
  constexpr std::int64_t kAnyRows = 1 << 20;
  constexpr std::int64_t kMostExpansion = 1100;
  const std::int64_t rows = dataset.dims()[1];
  if (rows <= kAnyRows || rows / kMostExpansion <= dataset.stored_bytes()) return;
  throw InputError({.where = dataset.where(),
                    .what = "the shape has more rows than the stored bytes can hold",
                    .expected = fmt::format("at most {} rows of {} bytes", kAnyRows, dataset.stored_bytes()),
                    .found = hdf5::format_dims(dataset.dims())});
}

// Checks a data set of shape [heads, rows, last]; a negative `rows` allows any number of rows. Returns the
// number of rows and the bytes of all elements.
std::pair<std::int64_t, std::int64_t> check_matrices(const hdf5::Group& layer, const std::string& name,
                                                     std::int64_t heads, std::int64_t rows, std::int64_t last,
                                                     const DumpHeader& header) {
  const hdf5::Dataset dataset = layer.open_dataset(name);
  require_agreement(dataset, header);
  const hdf5::Dims& dims = dataset.dims();
  if (dims.size() != 3 || dims[0] != heads || (rows >= 0 && dims[1] != rows) || dims[2] != last) {
    fail_shape(dataset, fmt::format("[{}, {}, {}]", heads, rows >= 0 ? std::to_string(rows) : "rows", last));
  }
  require_floats(dataset);
  require_plausible(dataset);
  return {dims[1], dataset.size() * hdf5::size_of(dataset.element())};
}

[[noreturn]] void fail_misplaced_rows(const hdf5::Group& group, const char* found) {
  throw InputError({.where = group.where(),
                    .what = fmt::format("row_index stands {}, where nothing reads it", found),
                    .expected = "a data set row_index [rows] of each layer",
                    .next = "write the positions as a data set of the layer's group"});
}

DumpLayer read_layer(const hdf5::Group& group, std::int64_t number, const DumpHeader& header,
                     std::int64_t kv_len) {
  const ModelShape& shape = header.shape;
  DumpLayer layer{.layer = number};
  require_agreement(group, header);
  if (group.has_attribute("row_index")) fail_misplaced_rows(group, "in an attribute");
  if (header.content == DumpContent::scores) {
    std::tie(layer.rows, layer.bytes) = check_matrices(group, "scores", shape.num_heads, -1, kv_len, header);
  } else {
    std::tie(layer.rows, layer.bytes) =
        check_matrices(group, "q", shape.num_heads, -1, shape.head_dim, header);
    layer.bytes += check_matrices(group, "k", shape.num_kv_heads, kv_len, shape.head_dim, header).second;
    if (group.has("v")) check_matrices(group, "v", shape.num_kv_heads, kv_len, shape.head_dim, header);
  }
  read_positions(group, layer.rows, kv_len);
  return layer;
}

// Groups whose rows have been counted, by their place in the file: by what name.
using Counted = std::map<std::uint64_t, std::string>;

void require_once(Counted& counted, const hdf5::Group& group, const std::string& name, const char* kind) {
  const auto [first, is_new] = counted.emplace(hdf5::address_of(group), name);
  if (!is_new)
    throw InputError({.where = group.where(),
                      .what = fmt::format("is the same {} as '{}', by another link", kind, first->second),
                      .expected = fmt::format("each {} once, since its rows would count twice", kind),
                      .next = "delete one of the links"});
}

std::int64_t layer_number(const hdf5::Group& layers, const std::string& link, const ModelShape& shape) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(link.data(), link.data() + link.size(), number);
  if (error != std::errc() || end != link.data() + link.size() || number < 0 || number >= shape.num_layers) {
    throw InputError({.where = layers.where() + "/" + link,
                      .what = "not a layer of this model",
                      .expected = fmt::format("a layer number, 0 to {}", shape.num_layers - 1)});
  }
  return number;
}

void read_layers(const hdf5::Group& layers, const DumpHeader& header, DumpSample& sample,
                 std::vector<std::string>& links, Counted& counted) {
  std::vector<std::pair<std::int64_t, std::string>> numbered;
  for (const std::string& link : layers.links())
    numbered.emplace_back(layer_number(layers, link, header.shape), link);
  std::sort(numbered.begin(), numbered.end());
  for (const auto& [number, link] : numbered) {
    if (!sample.layers.empty() && sample.layers.back().layer == number)
      throw InputError({.where = layers.where() + "/" + link, .what = "the layer appears twice"});
    const hdf5::Group layer = layers.open_group(link);
    require_once(counted, layer, sample.name + "/layers/" + link, "layer");
    sample.layers.push_back(read_layer(layer, number, header, sample.kv_len));
    links.push_back(link);
  }
}

DumpSample read_sample(const hdf5::Group& group, const std::string& name, const DumpHeader& header,
                       std::vector<std::string>& layer_links, Counted& counted) {
  require_agreement(group, header);
  if (group.has("row_index") || group.has_attribute("row_index"))
    fail_misplaced_rows(group, "beside the layers");
  DumpSample sample;
  sample.name = name;
  sample.kv_len = int_in(group, "kv_len", 1, std::numeric_limits<std::int32_t>::max());
  sample.phase = choice<Phase>(group, "phase");
  sample.source = optional_text(group, "source");
  if (group.has("tokens")) {
    const hdf5::Dataset tokens = group.open_dataset("tokens");
    if (tokens.dims() != hdf5::Dims{sample.kv_len}) fail_shape(tokens, fmt::format("[{}]", sample.kv_len));
    if (!hdf5::is_integer(tokens.element())) {
      throw InputError({.where = tokens.where(),
                        .what = "wrong element type",
                        .expected = "int32",
                        .found = std::string(name_of(tokens.element()))});
    }
  }
  read_layers(group.open_group("layers"), header, sample, layer_links, counted);
  return sample;
}

}  // namespace

std::vector<std::int32_t> read_positions(const hdf5::Group& layer, std::int64_t rows, std::int64_t kv_len) {
  if (!layer.has("row_index")) {
    if (rows > kv_len) {
      throw InputError({.where = layer.where(),
                        .what = "more rows than query positions",
                        .expected = fmt::format("at most {} rows", kv_len),
                        .found = fmt::format("{} rows", rows)});
    }
    std::vector<std::int32_t> positions(static_cast<std::size_t>(rows));
    std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(kv_len - rows));
    return positions;
  }
  const hdf5::Dataset dataset = layer.open_dataset("row_index");
  if (dataset.dims() != hdf5::Dims{rows}) fail_shape(dataset, fmt::format("[{}]", rows));
  // Read as 64-bit numbers, so that none is saturated into range.
  const std::vector<std::int64_t> stored = dataset.read<std::int64_t>();
  std::vector<std::int64_t> sorted = stored;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  const auto fail = [&](const char* what, std::int64_t position, std::ptrdiff_t row) {
    throw InputError({.where = dataset.where(),
                      .what = what,
                      .expected = fmt::format("different positions from 0 to {}", kv_len - 1),
                      .found = fmt::format("{} at row {}", position, row)});
  };
  if (!sorted.empty() && (sorted.front() < 0 || sorted.back() >= kv_len)) {
    const auto row = std::find_if(stored.begin(), stored.end(),
                                  [&](std::int64_t position) { return position < 0 || position >= kv_len; });
    fail("a query position is out of range", *row, row - stored.begin());
  }
  if (twice != sorted.end()) {
    const auto first = std::find(stored.begin(), stored.end(), *twice);
    fail("a query position appears twice", *twice,
         std::find(first + 1, stored.end(), *twice) - stored.begin());
  }
  return {stored.begin(), stored.end()};
}

DumpStructure read_structure(const hdf5::Group& root, std::int64_t most) {
  DumpStructure structure;
  structure.header = read_header(root);
  const hdf5::Group samples = root.open_group("samples");
  Counted counted;
  for (const std::string& name : samples.links()) {
    if (static_cast<std::int64_t>(structure.samples.size()) == most) break;
    const hdf5::Group sample = samples.open_group(name);
    require_once(counted, sample, name, "sample");
    std::vector<std::string>& links = structure.layer_links.emplace_back();
    structure.samples.push_back(read_sample(sample, name, structure.header, links, counted));
  }
  if (structure.samples.empty())
    throw InputError({.where = samples.where(), .what = "the dump holds no samples"});
  return structure;
}

}  // namespace toptheta
