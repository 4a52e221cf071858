#include "dump/reader.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "dump/collector.hpp"
#include "dump/dump_file.hpp"
#include "io/atomic_file.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

using testing::Collector;
using testing::DumpSpec;
using testing::kHeadDim;
using testing::kHeads;
using testing::kKvHeads;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class Call>
Problem problem_of(const Call& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.problem();
  }
  FAIL("no InputError");
  return {};
}

class Files {
 public:
  // The file that open() wrote last: HDF5 does not replace a file that a reader still has open.
  [[nodiscard]] std::filesystem::path path() const { return dir_.path(std::to_string(count_) + ".h5"); }
  [[nodiscard]] std::string where(const std::string& object) const { return path().string() + ":" + object; }
  DumpReader open(const DumpSpec& spec) {
    ++count_;
    testing::write_dump(path(), spec);
    return DumpReader(path());
  }
  // `where` of the result is the object within the file; that the file is named before it is checked here.
  Problem problem(const DumpSpec& spec) {
    Problem problem = problem_of([&] { open(spec); });
    const std::string file = where("");
    REQUIRE(problem.where.substr(0, file.size()) == file);
    problem.where.erase(0, file.size());
    return problem;
  }

 private:
  testing::TempDir dir_;
  int count_ = 0;
};

// [heads, rows, kv_len] into `scores` of a layer, and a row_index where not empty.
auto fill_scores(std::int64_t rows, std::int64_t kv_len, const std::vector<std::int64_t>& row_index = {}) {
  return [=](hdf5::Group& layer) {
    testing::write_floats(layer, "scores", {kHeads, rows, kv_len}, testing::scores(rows, kv_len));
    if (!row_index.empty()) layer.write_vector("row_index", row_index);
  };
}

void check_row(const testing::CollectedRow& row, std::int64_t head, std::int64_t number,
               std::int32_t length) {
  REQUIRE(row.length == length);
  for (std::int64_t key = 0; key < length; ++key)
    CHECK(row.scores[static_cast<std::size_t>(key)] == testing::score_at(head, number, key));
}

}  // namespace

TEST_CASE("header, samples and layers of a dump") {
  Files files;
  const DumpReader dump = files.open({.finish_sample = [](hdf5::Group& sample) {
    sample.write_attribute("source", "a book");
    sample.write_vector("tokens", std::vector<std::int64_t>{1, 2, 3, 4, 5, 70000});
  }});
  CHECK(dump.path() == files.path().string());
  CHECK(dump.header().content == DumpContent::scores);
  CHECK(dump.header().placement == Placement::pre_softmax);
  CHECK(dump.header().shape == ModelShape{2, kHeads, kKvHeads, kHeadDim});
  CHECK(dump.header().model.empty());
  CHECK(dump.header().topk_at_calibration == 0);
  REQUIRE(dump.samples().size() == 1);
  const DumpSample& sample = dump.samples()[0];
  CHECK(sample.name == "s");
  CHECK(sample.kv_len == 6);
  CHECK(sample.phase == Phase::prefill);
  CHECK(sample.source == "a book");
  REQUIRE(sample.layers.size() == 1);
  CHECK(sample.layers[0].layer == 1);
  CHECK(sample.layers[0].rows == 6);
  CHECK(dump.tokens(0) == std::vector<std::int32_t>{1, 2, 3, 4, 5, 70000});
  CHECK(dump.row_positions(0, 1) == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5});
  CHECK(files.open({}).tokens(0).empty());
}

TEST_CASE("all rows of all heads arrive in order, with their causal entries") {
  Files files;
  const DumpReader dump = files.open({});
  Collector rows;
  dump.stream(0, 1, rows);
  REQUIRE(rows.heads.size() == kHeads);
  for (std::int64_t head = 0; head < kHeads; ++head) {
    const auto& got = rows.heads.at({1, head});
    REQUIRE(got.size() == 6);
    for (std::int64_t r = 0; r < 6; ++r)
      check_row(got[static_cast<std::size_t>(r)], head, r, static_cast<std::int32_t>(r + 1));
  }
}

TEST_CASE("without row_index the rows are the last positions; with one they are what it says, in its order") {
  Files files;
  const DumpReader last = files.open({.fill = fill_scores(2, 6)});
  CHECK(last.row_positions(0, 1) == std::vector<std::int32_t>{4, 5});
  Collector rows;
  last.stream(0, 1, rows);
  check_row(rows.heads.at({1, 3})[0], 3, 0, 5);
  check_row(rows.heads.at({1, 3})[1], 3, 1, 6);

  const DumpReader indexed = files.open({.fill = fill_scores(3, 6, {5, 0, 2})});
  CHECK(indexed.row_positions(0, 1) == std::vector<std::int32_t>{5, 0, 2});
  Collector indexed_rows;
  indexed.stream(0, 1, indexed_rows);
  check_row(indexed_rows.heads.at({1, 2})[0], 2, 0, 6);
  check_row(indexed_rows.heads.at({1, 2})[1], 2, 1, 1);
  check_row(indexed_rows.heads.at({1, 2})[2], 2, 2, 3);
}

TEST_CASE("selected rows are the same rows") {
  Files files;
  const DumpReader dump = files.open({});
  const std::vector<std::int64_t> selected = {0, 2, 3, 5};
  Collector rows;
  dump.stream_selected(0, 1, selected, rows);
  for (std::int64_t head = 0; head < kHeads; ++head) {
    const auto& got = rows.heads.at({1, head});
    REQUIRE(got.size() == selected.size());
    for (std::size_t i = 0; i < selected.size(); ++i)
      check_row(got[i], head, selected[i], static_cast<std::int32_t>(selected[i] + 1));
  }
  Collector none;
  dump.stream_selected(0, 1, {}, none);
  CHECK(none.blocks == 0);
  const std::vector<std::int64_t> twice = {1, 1};
  const std::vector<std::int64_t> beyond = {6};
  CHECK_THROWS_AS(dump.stream_selected(0, 1, twice, none), std::out_of_range);
  CHECK_THROWS_AS(dump.stream_selected(0, 1, beyond, none), std::out_of_range);
  CHECK_THROWS_AS(dump.stream(0, 0, none), std::out_of_range);
}

TEST_CASE("samples come in name order, layers in number order, and zero-padded numbers will do") {
  Files files;
  testing::write_dump(files.path(),
                      {.num_layers = 12, .layer = "10", .finish_sample = [](hdf5::Group& sample) {
                         hdf5::Group layers = sample.open_group("layers");
                         for (const char* name : {"9", "02"}) {
                           hdf5::Group layer = layers.create_group(name);
                           fill_scores(6, 6)(layer);
                         }
                       }});
  const DumpReader dump(files.path());
  const auto& layers = dump.samples()[0].layers;
  REQUIRE(layers.size() == 3);
  CHECK(layers[0].layer == 2);
  CHECK(layers[1].layer == 9);
  CHECK(layers[2].layer == 10);
  Collector rows;
  dump.stream(0, 2, rows);
  CHECK(rows.heads.contains({2, 0}));
}

TEST_CASE(
    "what lies past the causal limit is ignored, and NaN or infinity before it is refused with its place") {
  Files files;
  const auto spoilt = [](std::int64_t head, std::int64_t row, std::int64_t key, float value) {
    return [=](hdf5::Group& layer) {
      std::vector<float> values = testing::scores(6, 6);
      for (std::int64_t h = 0; h < kHeads; ++h)
        for (std::int64_t r = 0; r < 6; ++r)
          for (std::int64_t j = r + 1; j < 6; ++j)
            values[static_cast<std::size_t>((h * 6 + r) * 6 + j)] = j % 2 == 0 ? kNan : kInfinity;
      values[static_cast<std::size_t>((head * 6 + row) * 6 + key)] = value;
      testing::write_floats(layer, "scores", {kHeads, 6, 6}, values);
    };
  };
  Collector rows;
  files.open({.fill = spoilt(0, 0, 1, kNan)}).stream(0, 1, rows);
  check_row(rows.heads.at({1, 3})[3], 3, 3, 4);

  const Problem nan = problem_of([&] { files.open({.fill = spoilt(2, 4, 3, kNan)}).stream(0, 1, rows); });
  CHECK(nan.where == files.where("/samples/s/layers/1/scores"));
  CHECK(nan.found == "nan at head 2, row 4 (query position 4), key position 3");
  const Problem infinite =
      problem_of([&] { files.open({.fill = spoilt(1, 5, 5, -kInfinity)}).stream(0, 1, rows); });
  CHECK(infinite.found == "-inf at head 1, row 5 (query position 5), key position 5");
}

TEST_CASE("wrong attributes are refused and named") {
  Files files;
  for (const char* name :
       {"format", "version", "content", "placement", "num_layers", "num_heads", "num_kv_heads", "head_dim"}) {
    const Problem missing = files.problem({.skip = name});
    CHECK(missing.where == "/");
    CHECK(missing.what.find(std::string("attribute '") + name + "' is missing") != std::string::npos);
  }
  for (const char* name : {"kv_len", "phase"}) {
    const Problem missing = files.problem({.skip = name});
    CHECK(missing.where == "/samples/s");
    CHECK(missing.what == std::string("attribute '") + name + "' is missing");
  }
  CHECK(files.problem({.format = "other"}).found == "format = \"other\"");
  CHECK(files.problem({.version = 2}).found == "version 2");
  CHECK(files.problem({.content = "kv"}).expected == "qk or scores");
  CHECK(files.problem({.placement = "softmax"}).expected == "pre-softmax or post-softmax");
  CHECK(files.problem({.phase = "both"}).expected == "prefill or decode");
  CHECK(files.problem({.num_layers = 0}).what == "attribute 'num_layers' is out of range");
  CHECK(files.problem({.num_heads = -4}).found == "-4");
  CHECK(files.problem({.num_kv_heads = 3}).what == "num_kv_heads does not divide num_heads");
  CHECK(files.problem({.head_dim = -1}).what == "attribute 'head_dim' is out of range");
  CHECK(files.problem({.kv_len = 0}).what == "attribute 'kv_len' is out of range");
  CHECK(files.problem({.kv_len = std::int64_t{1} << 40}).where == "/samples/s");
  CHECK(files.problem({.skip = "scale", .content = "qk"}).what == "attribute 'scale' is missing");
  CHECK(files.problem({.content = "qk", .head_dim = 0}).what == "attribute 'head_dim' is out of range");
  CHECK(files.problem({.content = "qk", .scale = 0}).what == "attribute 'scale' is not a usable factor");
  CHECK(files.problem({.content = "qk", .scale = std::nan("")}).what ==
        "attribute 'scale' is not a usable factor");
}

TEST_CASE("wrong shapes and types are refused with the data set's name") {
  Files files;
  const std::string layer = "/samples/s/layers/1";
  const Problem heads = files.problem({.num_heads = 8});
  CHECK(heads.where == layer + "/scores");
  CHECK(heads.expected == "[8, rows, 6]");
  CHECK(heads.found == "[4, 6, 6]");
  CHECK(files.problem({.kv_len = 7}).expected == "[4, rows, 7]");
  CHECK(files
            .problem({.fill =
                          [](hdf5::Group& group) {
                            testing::write_floats(group, "scores", {4, 6}, std::vector<float>(24));
                          }})
            .found == "[4, 6]");
  CHECK(files.problem({.fill = [](hdf5::Group&) {}}).what == "missing data set");
  CHECK(files
            .problem({.fill =
                          [](hdf5::Group& group) {
                            group.create_dataset("scores", hdf5::Element::u16, {4, 6, 6})
                                .write(std::span<const std::uint16_t>(std::vector<std::uint16_t>(144)));
                          }})
            .found == "uint16");
  CHECK(files
            .problem({.fill =
                          [](hdf5::Group& group) {
                            group.create_dataset("scores", hdf5::Element::f32, {4, 6, 6});
                          }})
            .what == "the data set was declared but never written");
  CHECK(files.problem({.fill = [](hdf5::Group& group) { group.create_group("scores"); }}).where ==
        layer + "/scores");
  CHECK(files.problem({.fill = fill_scores(7, 6)}).what == "more rows than query positions");
  CHECK(files.problem({.layer = "two"}).where == "/samples/s/layers/two");
  CHECK(files.problem({.layer = "-1"}).what == "not a layer of this model");
  CHECK(files.problem({.layer = "2"}).expected == "a layer number, 0 to 1");
  CHECK(files
            .problem({.finish_sample =
                          [](hdf5::Group& sample) {
                            hdf5::Group layers = sample.open_group("layers");
                            hdf5::Group twin = layers.create_group("01");
                            fill_scores(6, 6)(twin);
                          }})
            .what == "the layer appears twice");
  CHECK(files
            .problem({.finish_sample =
                          [](hdf5::Group& sample) {
                            sample.write_vector("tokens", std::vector<std::int32_t>(5));
                          }})
            .expected == "[6]");
  CHECK(files
            .problem({.finish_sample =
                          [](hdf5::Group& sample) { sample.write_vector("tokens", std::vector<float>(6)); }})
            .where == "/samples/s/tokens");
}

TEST_CASE("what one group says otherwise than the dump is refused, and not passed over") {
  Files files;
  const std::string layer = "/samples/s/layers/1";
  const auto of_layer = [&](const char* name, const auto& value, const char* content = "scores") {
    return files.problem({.content = content, .fill = [&, name](hdf5::Group& group) {
                            fill_scores(6, 6)(group);
                            group.write_attribute(name, value);
                          }});
  };
  const Problem heads = of_layer("num_heads", std::int64_t{8});
  CHECK(heads.where == layer);
  CHECK(heads.what == "attribute 'num_heads' contradicts the dump's own, which counts for all of it");
  CHECK(heads.expected == "4");
  CHECK(heads.found == "8");
  CHECK(of_layer("placement", std::string("post-softmax")).found == "post-softmax");
  CHECK(of_layer("scale", 0.25, "qk").expected == "0.5");
  CHECK(of_layer("row_index", std::int64_t{3}).what.find("row_index stands in an attribute") == 0);
  CHECK(files
            .problem({.finish_sample =
                          [](hdf5::Group& sample) { sample.write_attribute("head_dim", std::int64_t{9}); }})
            .where == "/samples/s");
}

TEST_CASE("row_index must hold different positions of the sample") {
  Files files;
  const auto problem = [&](const std::vector<std::int64_t>& row_index, std::int64_t rows = 3) {
    const Problem found = files.problem({.fill = fill_scores(rows, 6, row_index)});
    CHECK(found.where == "/samples/s/layers/1/row_index");
    return found;
  };
  CHECK(problem({0, 6, 1}).found == "6 at row 1");
  CHECK(problem({0, 1, -1}).found == "-1 at row 2");
  CHECK(problem({(std::int64_t{1} << 32) + 1, 2, 3}).found == "4294967297 at row 0");
  CHECK(problem({2, 4, 2}).what == "a query position appears twice");
  CHECK(problem({0, 1}).expected == "[3]");
  CHECK(files
            .problem({.fill =
                          [](hdf5::Group& layer) {
                            fill_scores(3, 6)(layer);
                            layer.write_vector("row_index", std::vector<float>{0, 1, 2});
                          }})
            .expected == "integers");
}

TEST_CASE("files that are no dumps at all are refused") {
  Files files;
  const auto problem = [&] { return problem_of([&] { DumpReader dump(files.path()); }); };
  write_file_atomically(files.path(), "text");
  CHECK(problem().what == "not an HDF5 file");
  write_file_atomically(files.path(), "");
  CHECK(problem().what == "the file is empty");
  testing::write_dump(files.path(), {});
  const std::string good = read_file(files.path());
  for (std::size_t eighth = 1; eighth < 8; ++eighth) {
    write_file_atomically(files.path(), good.substr(0, good.size() * eighth / 8));
    CHECK(problem().where == files.path().string());
  }
  {
    hdf5::File file = hdf5::File::create(files.path(), "x");
    file.root().create_group("samples");
  }
  CHECK(problem().what == "not an attention dump: attribute 'format' is missing");
}

TEST_CASE("a dump without samples says so") {
  Files files;
  {
    hdf5::File file = hdf5::File::create(files.path(), "x");
    hdf5::Group root = file.root();
    root.write_attribute("format", "toptheta.attention-dump");
    root.write_attribute("version", std::int64_t{1});
    root.write_attribute("content", "scores");
    root.write_attribute("placement", "post-softmax");
    for (const char* name : {"num_layers", "num_heads", "num_kv_heads", "head_dim"})
      root.write_attribute(name, std::int64_t{1});
    root.create_group("samples");
  }
  CHECK(problem_of([&] { DumpReader dump(files.path()); }).what == "the dump holds no samples");
}

}  // namespace toptheta
