#include "dump/writer.hpp"

#include <stdexcept>

#include "core/error.hpp"
#include "core/half.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "dump/collector.hpp"
#include "dump/reader.hpp"
#include "io/hdf5.hpp"
#include "io/text_file.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

using testing::Collector;

const DumpHeader kScores = {
    .shape = {3, 4, 2, 8}, .model = "tiny", .producer = "test", .topk_at_calibration = 5};
const DumpHeader kQueriesKeys = {.content = DumpContent::qk, .shape = {3, 4, 2, 8}, .scale = 0.25};

// Values that every element type holds exactly.
std::vector<float> exact_floats(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = static_cast<float>(static_cast<std::int64_t>(random.below(256)) - 128) * 0.125F;
  return values;
}

std::size_t files_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

// Pushes all causal rows of a layer, in blocks of `step` rows, heads in parallel. Entries past the limit are
// NaN.
void push_layer(RowSink& sink, std::int64_t layer, std::int64_t heads, std::int64_t length,
                std::int64_t step) {
  parallel_for(heads, [&](std::int64_t head) {
    std::vector<float> scores = exact_floats(length * length, static_cast<std::uint64_t>(layer * 100 + head));
    std::vector<std::int32_t> lengths;
    for (std::int64_t r = 0; r < length; ++r) {
      for (std::int64_t j = r + 1; j < length; ++j)
        scores[static_cast<std::size_t>(r * length + j)] = std::numeric_limits<float>::quiet_NaN();
      lengths.push_back(static_cast<std::int32_t>(r + 1));
    }
    for (std::int64_t first = 0; first < length; first += step) {
      const auto count = static_cast<std::size_t>(std::min(step, length - first));
      sink.add({layer, head, scores.data() + first * length, length,
                std::span(lengths).subspan(static_cast<std::size_t>(first), count)});
    }
  });
}

void write_scores(const std::filesystem::path& path, const DumpOptions& options) {
  DumpWriter writer(path, kScores, options);
  writer.begin_sample(
      {.name = "b", .kv_len = 20, .source = "book", .tokens = std::vector<std::int32_t>(20, 7)});
  push_layer(writer, 0, 4, 20, 6);
  push_layer(writer, 2, 4, 20, 20);
  writer.begin_sample({.name = "a", .kv_len = 9, .phase = Phase::decode, .positions = {8}});
  push_layer(writer, 1, 4, 9, 1);
  writer.finish();
}

struct QueriesKeysData {
  std::int64_t length;
  std::vector<float> q;  // [length, 4, 8]
  std::vector<float> k;  // [length, 2, 8]
  std::vector<float> v;
  explicit QueriesKeysData(std::int64_t n)
      : length(n), q(exact_floats(n * 32, 1)), k(exact_floats(n * 16, 2)), v(exact_floats(n * 16, 3)) {}
  [[nodiscard]] QueriesKeys piece(std::int64_t layer, std::int64_t first, std::int64_t rows) const {
    return {layer, first, rows, q.data() + first * 32, k.data() + first * 16, v.data() + first * 16};
  }
};

}  // namespace

TEST_CASE("scores come back from every element type, compressed or not") {
  const testing::TempDir dir;
  for (const DumpElement element :
       {DumpElement::f16, DumpElement::bf16, DumpElement::f32, DumpElement::f64}) {
    for (const int gzip : {0, 4}) {
      INFO(name_of(element) << " gzip " << gzip);
      CHECK(value_named<DumpElement>(name_of(element)) == element);
      write_scores(dir.path("x.h5"), {.element = element, .gzip_level = gzip});
      CHECK(files_in(dir.root()) == 1);
      const DumpReader dump(dir.path("x.h5"));
      CHECK(dump.header().content == DumpContent::scores);
      CHECK(dump.header().placement == Placement::pre_softmax);
      CHECK(dump.header().shape == kScores.shape);
      CHECK(dump.header().model == "tiny");
      CHECK(dump.header().producer == "test");
      CHECK(dump.header().topk_at_calibration == 5);
      REQUIRE(dump.samples().size() == 2);
      const DumpSample& decode = dump.samples()[0];
      CHECK(decode.phase == Phase::decode);
      CHECK(decode.layers[0].rows == 1);
      CHECK(dump.row_positions(0, 1) == std::vector<std::int32_t>{8});
      const DumpSample& prefill = dump.samples()[1];
      CHECK(prefill.source == "book");
      REQUIRE(prefill.layers.size() == 2);
      CHECK(dump.tokens(1) == std::vector<std::int32_t>(20, 7));
      Collector got;
      Collector expected;
      for (const std::int64_t layer : {0, 2}) {
        dump.stream(1, layer, got);
        push_layer(expected, layer, 4, 20, 20);
      }
      CHECK(got.heads == expected.heads);
    }
  }
  CHECK_FALSE(value_named<DumpElement>("int8").has_value());
}

TEST_CASE("equal calls give equal bytes at any number of threads") {
  const testing::TempDir dir;
  for (const int gzip : {0, 4}) {
    set_thread_count(1);
    write_scores(dir.path("one.h5"), {.gzip_level = gzip});
    set_thread_count(4);
    for (int repeat = 0; repeat < 5; ++repeat) {
      write_scores(dir.path("four.h5"), {.gzip_level = gzip});
      CHECK(read_file(dir.path("one.h5")) == read_file(dir.path("four.h5")));
    }
    set_thread_count(0);
  }
}

TEST_CASE("entries past the causal limit hold -infinity, or 0 after the softmax") {
  const testing::TempDir dir;
  for (const Placement placement : {Placement::pre_softmax, Placement::post_softmax}) {
    DumpHeader header = kScores;
    header.placement = placement;
    DumpWriter writer(dir.path("x.h5"), header, {.element = DumpElement::f32});
    writer.begin_sample({.name = "s", .kv_len = 5});
    push_layer(writer, 0, 4, 5, 5);
    writer.finish();
    const hdf5::File file = hdf5::File::open(dir.path("x.h5"));
    const std::vector<float> scores = file.root()
                                          .open_group("samples")
                                          .open_group("s")
                                          .open_group("layers")
                                          .open_group("0")
                                          .open_dataset("scores")
                                          .read<float>();
    const float padding =
        placement == Placement::pre_softmax ? -std::numeric_limits<float>::infinity() : 0.0F;
    for (std::size_t i = 0; i < scores.size(); ++i)
      CHECK((i % 5 > i / 5 % 5) ==
            (scores[i] == padding && (placement == Placement::pre_softmax || i % 5 > i / 5 % 5)));
  }
}

TEST_CASE("only the recorded positions are kept") {
  const testing::TempDir dir;
  const std::vector<std::int32_t> positions = {1, 2, 7, 19};
  DumpWriter writer(dir.path("x.h5"), kScores, {});
  writer.begin_sample({.name = "s", .kv_len = 20, .positions = positions});
  push_layer(writer, 1, 4, 20, 6);
  writer.finish();
  const DumpReader dump(dir.path("x.h5"));
  CHECK(dump.row_positions(0, 1) == positions);
  Collector got;
  Collector all;
  dump.stream(0, 1, got);
  push_layer(all, 1, 4, 20, 20);
  for (std::int64_t head = 0; head < 4; ++head) {
    REQUIRE(got.heads.at({1, head}).size() == positions.size());
    for (std::size_t i = 0; i < positions.size(); ++i)
      CHECK(got.heads.at({1, head})[i] == all.heads.at({1, head})[static_cast<std::size_t>(positions[i])]);
  }
}

TEST_CASE("queries and keys give the same file in one piece or several") {
  const testing::TempDir dir;
  const QueriesKeysData data(30);
  const auto write = [&](const std::string& name, const std::vector<std::int64_t>& cuts,
                         const std::vector<std::int32_t>& positions, int gzip) {
    DumpWriter writer(dir.path(name), kQueriesKeys, {.element = DumpElement::f16, .gzip_level = gzip});
    writer.begin_sample({.name = "s", .kv_len = 30, .positions = positions});
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
      for (const std::int64_t layer : {0, 1})
        writer.add_queries_keys(data.piece(layer, cuts[i], cuts[i + 1] - cuts[i]));
    writer.finish();
    return DumpReader(dir.path(name));
  };
  for (const int gzip : {0, 3}) {
    Collector whole;
    Collector pieces;
    Collector some;
    write("whole.h5", {0, 30}, {}, gzip).stream(0, 1, whole);
    write("pieces.h5", {0, 11, 29, 30}, {}, gzip).stream(0, 1, pieces);
    const DumpReader selected = write("some.h5", {0, 11, 30}, {4, 10, 11, 12, 25}, gzip);
    CHECK(selected.row_positions(0, 0) == std::vector<std::int32_t>{4, 10, 11, 12, 25});
    selected.stream(0, 1, some);
    CHECK(whole.heads == pieces.heads);
    CHECK(some.heads.at({1, 3})[1] == whole.heads.at({1, 3})[10]);
    CHECK(some.heads.at({1, 3})[4] == whole.heads.at({1, 3})[25]);
    // One product by hand: query position 25 of head 3 with key 17 of KV head 1.
    float expected = 0;
    for (std::size_t d = 0; d < 8; ++d)
      expected += data.q[25 * 32 + 24 + d] * data.k[17 * 16 + 8 + d];
    CHECK(whole.heads.at({1, 3})[25].scores[17] == expected * 0.25F);
  }
  const hdf5::File file = hdf5::File::open(dir.path("whole.h5"));
  const hdf5::Dataset v =
      file.root().open_group("samples").open_group("s").open_group("layers").open_group("0").open_dataset(
          "v");
  CHECK(v.read<float>()[8 * (30 + 3) + 2] == data.v[3 * 16 + 8 + 2]);
}

TEST_CASE("numbers that are not finite or do not fit are refused with their place") {
  const testing::TempDir dir;
  const auto problem = [&](float value, DumpElement element) {
    DumpWriter writer(dir.path("x.h5"), kScores, {.element = element});
    writer.begin_sample({.name = "s", .kv_len = 3});
    const std::vector<float> row = {1, value, 1};
    const std::vector<std::int32_t> lengths = {3};
    try {
      writer.add({2, 1, row.data(), 3, lengths});
    } catch (const InputError& error) {
      return error.problem();
    }
    return Problem{};
  };
  const Problem large = problem(70000, DumpElement::f16);
  CHECK(large.where == dir.path("x.h5").string() + ":/samples/s/layers/2/scores");
  CHECK(large.what == "a number does not fit float16");
  CHECK(large.found == "70000 at head 1, query position 2, key position 1");
  CHECK(problem(70000, DumpElement::bf16).what.empty());
  CHECK(problem(std::numeric_limits<float>::infinity(), DumpElement::f32).what ==
        "the model computed a number that is not finite");

  QueriesKeysData data(2);
  data.k[16 + 8 + 5] = std::numeric_limits<float>::quiet_NaN();
  DumpWriter writer(dir.path("x.h5"), kQueriesKeys, {});
  writer.begin_sample({.name = "s", .kv_len = 2});
  try {
    writer.add_queries_keys(data.piece(0, 0, 2));
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == dir.path("x.h5").string() + ":/samples/s/layers/0/k");
    CHECK(error.problem().found == "nan at head 1, position 1, dimension 5");
  }
}

TEST_CASE("without finish() nothing is left, and misuse is caught") {
  const testing::TempDir dir;
  {
    DumpWriter writer(dir.path("x.h5"), kScores, {});
    const std::vector<float> row(9);
    const std::vector<std::int32_t> last = {9};
    CHECK_THROWS_AS(writer.add({0, 0, row.data(), 9, last}), std::logic_error);
    writer.begin_sample({.name = "s", .kv_len = 9, .positions = {8}});
    CHECK_THROWS_AS(writer.add({3, 0, row.data(), 9, last}), std::logic_error);
    writer.add({0, 0, row.data(), 9, last});
    CHECK_THROWS_AS(writer.add({0, 0, row.data(), 9, last}), std::logic_error);
    CHECK_THROWS_AS(writer.add({0, 4, row.data(), 9, last}), std::logic_error);
    CHECK_THROWS_AS(writer.add({1, 0, row.data(), 9, last}), std::logic_error);
    CHECK_THROWS_AS(writer.add_queries_keys({}), std::logic_error);
    CHECK_THROWS_AS(writer.begin_sample({.name = "t", .kv_len = 1}), std::logic_error);
    CHECK_THROWS_AS(writer.finish(), std::logic_error);
  }
  CHECK(files_in(dir.root()) == 0);
  {
    const QueriesKeysData data(4);
    DumpWriter writer(dir.path("x.h5"), kQueriesKeys, {});
    writer.begin_sample({.name = "s", .kv_len = 4});
    CHECK_THROWS_AS(writer.add_queries_keys(data.piece(0, 1, 1)), std::logic_error);
    writer.add_queries_keys(data.piece(1, 0, 3));
    CHECK_THROWS_AS(writer.add_queries_keys(data.piece(1, 2, 1)), std::logic_error);
    CHECK_THROWS_AS(writer.finish(), std::logic_error);
  }
  CHECK(files_in(dir.root()) == 0);
  CHECK_THROWS_AS(DumpWriter(dir.path("none") / "x.h5", kScores, {}), UnfinishedError);
}

}  // namespace toptheta
