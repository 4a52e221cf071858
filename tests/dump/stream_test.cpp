#include "dump/stream.hpp"

#include <numeric>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "dump/collector.hpp"
#include "dump/dump_file.hpp"
#include "dump/reader.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

using testing::Collector;
using testing::kHeadDim;
using testing::kHeads;
using testing::kKvHeads;

LayerRows layer_rows(const hdf5::File& file, std::int64_t kv_len, const std::vector<std::int64_t>& rows) {
  LayerRows layer{
      .group = file.root().open_group("samples").open_group("s").open_group("layers").open_group("1"),
      .layer = 1,
      .kv_len = kv_len,
      .rows = rows,
      .lengths = {}};
  for (const std::int64_t row : rows)
    layer.lengths.push_back(static_cast<std::int32_t>(row + 1));
  return layer;
}

std::vector<std::int64_t> all_rows(std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<float> random_floats(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = static_cast<float>(random.uniform() * 4 - 2);
  return values;
}

constexpr std::int64_t kLength = 40;

// A qk dump of kLength rows, made of the two matrices.
void write_qk(const std::filesystem::path& path, const std::vector<float>& q, const std::vector<float>& k) {
  testing::write_dump(path, {.content = "qk", .kv_len = kLength, .fill = [&](hdf5::Group& layer) {
                               testing::write_floats(layer, "q", {kHeads, kLength, kHeadDim}, q);
                               testing::write_floats(layer, "k", {kKvHeads, kLength, kHeadDim}, k);
                             }});
}

}  // namespace

TEST_CASE("scores are the same however small the blocks and however the data set is chunked") {
  const testing::TempDir dir;
  const std::int64_t length = 24;
  Collector whole;
  for (const hdf5::Dims& chunk :
       {hdf5::Dims{}, hdf5::Dims{1, 5, 24}, hdf5::Dims{3, 24, 7}, hdf5::Dims{4, 1, 1}}) {
    testing::write_dump(dir.path("x.h5"), {.kv_len = length, .fill = [&](hdf5::Group& layer) {
                                             testing::write_floats(
                                                 layer, "scores", {kHeads, length, length},
                                                 testing::scores(length, length),
                                                 {.chunk = chunk, .gzip_level = chunk.empty() ? 0 : 1});
                                           }});
    const DumpReader dump(dir.path("x.h5"));
    if (chunk.empty()) dump.stream(0, 1, whole);
    const hdf5::File file = hdf5::File::open(dir.path("x.h5"));
    for (const std::int64_t block_bytes : {1, 100, 300, 1000, 3000, 1 << 20}) {
      Collector rows;
      stream_scores(layer_rows(file, length, all_rows(length)), dump.header(), block_bytes,
                    block_bytes == 300 ? 1 : kChunkCacheBytes, rows);
      CHECK(rows.heads == whole.heads);
      CHECK((block_bytes > 300 || rows.blocks > 4 * kHeads));
    }
  }
}

TEST_CASE("queries and keys become scaled dot products with the head's own KV head") {
  const testing::TempDir dir;
  const std::vector<float> q = random_floats(kHeads * kLength * kHeadDim, 1);
  const std::vector<float> k = random_floats(kKvHeads * kLength * kHeadDim, 2);
  write_qk(dir.path("x.h5"), q, k);
  const DumpReader dump(dir.path("x.h5"));
  CHECK(dump.header().scale == 0.5);
  Collector whole;
  dump.stream(0, 1, whole);
  REQUIRE(whole.heads.size() == kHeads);
  for (std::int64_t head = 0; head < kHeads; ++head) {
    const auto& rows = whole.heads.at({1, head});
    REQUIRE(rows.size() == kLength);
    for (std::int64_t r = 0; r < kLength; ++r) {
      const testing::CollectedRow& row = rows[static_cast<std::size_t>(r)];
      REQUIRE(row.length == r + 1);
      for (std::int64_t j = 0; j <= r; ++j) {
        double expected = 0;
        for (std::int64_t d = 0; d < kHeadDim; ++d) {
          expected +=
              static_cast<double>(q[static_cast<std::size_t>((head * kLength + r) * kHeadDim + d)]) *
              static_cast<double>(k[static_cast<std::size_t>((head / 2 * kLength + j) * kHeadDim + d)]);
        }
        CHECK(static_cast<double>(row.scores[static_cast<std::size_t>(j)]) ==
              Approx(0.5 * expected).margin(1e-5));
      }
    }
  }

  // The same bits in small blocks, for some rows only, and with one thread or several.
  const hdf5::File file = hdf5::File::open(dir.path("x.h5"));
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    for (const std::int64_t block_bytes : {1, 1000, 5000}) {
      Collector rows;
      stream_queries_keys(layer_rows(file, kLength, all_rows(kLength)), dump.header(), block_bytes, rows);
      CHECK(rows.heads == whole.heads);
    }
    Collector some;
    const std::vector<std::int64_t> selected = {3, 4, 5, 17, 30};
    dump.stream_selected(0, 1, selected, some);
    for (std::int64_t head = 0; head < kHeads; ++head)
      for (std::size_t i = 0; i < selected.size(); ++i)
        CHECK(some.heads.at({1, head}).at(i) ==
              whole.heads.at({1, head}).at(static_cast<std::size_t>(selected[i])));
  }
  set_thread_count(0);
}

TEST_CASE("a NaN key is refused where a row sees it, and only there") {
  const testing::TempDir dir;
  const std::vector<float> q = random_floats(kHeads * kLength * kHeadDim, 1);
  std::vector<float> k = random_floats(kKvHeads * kLength * kHeadDim, 2);
  k[static_cast<std::size_t>((kLength + 21) * kHeadDim + 1)] =
      std::numeric_limits<float>::quiet_NaN();  // KV head 1
  write_qk(dir.path("x.h5"), q, k);
  const DumpReader dump(dir.path("x.h5"));
  Collector rows;
  dump.stream_selected(0, 1, all_rows(21), rows);
  CHECK(rows.heads.at({1, 3}).size() == 21);
  try {
    dump.stream(0, 1, rows);
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == dir.path("x.h5").string() + ":/samples/s/layers/1");
    CHECK(error.problem().found.find("nan at head 2, row 21 (query position 21), key position 21") !=
          std::string::npos);
  }
}

TEST_CASE("an error in the sink reaches the caller") {
  struct Failing : RowSink {
    void add(const RowBlock& block) override {
      if (block.head == 2) throw std::runtime_error("full");
    }
  };
  const testing::TempDir dir;
  testing::write_dump(dir.path("x.h5"), {});
  Failing sink;
  CHECK_THROWS_WITH(DumpReader(dir.path("x.h5")).stream(0, 1, sink), "full");
}

TEST_CASE("q, k and v must fit the header") {
  const testing::TempDir dir;
  const auto problem = [&](const hdf5::Dims& q, const hdf5::Dims& k, const hdf5::Dims& v) {
    const auto zeros = [](const hdf5::Dims& dims) {
      return std::vector<float>(static_cast<std::size_t>(dims[0] * dims[1] * dims[2]));
    };
    testing::write_dump(dir.path("x.h5"), {.content = "qk", .fill = [&](hdf5::Group& layer) {
                                             testing::write_floats(layer, "q", q, zeros(q));
                                             testing::write_floats(layer, "k", k, zeros(k));
                                             testing::write_floats(layer, "v", v, zeros(v));
                                           }});
    try {
      const DumpReader dump(dir.path("x.h5"));
    } catch (const InputError& error) {
      const std::string& where = error.problem().where;
      return where.substr(where.size() - 1) + " " + error.problem().expected;
    }
    return std::string("fine");
  };
  CHECK(problem({4, 5, 3}, {2, 6, 3}, {2, 6, 3}) == "fine");
  CHECK(problem({4, 5, 2}, {2, 6, 3}, {2, 6, 3}) == "q [4, rows, 3]");
  CHECK(problem({2, 5, 3}, {2, 6, 3}, {2, 6, 3}) == "q [4, rows, 3]");
  CHECK(problem({4, 5, 3}, {2, 5, 3}, {2, 6, 3}) == "k [2, 6, 3]");
  CHECK(problem({4, 5, 3}, {4, 6, 3}, {2, 6, 3}) == "k [2, 6, 3]");
  CHECK(problem({4, 5, 3}, {2, 6, 3}, {2, 7, 3}) == "v [2, 6, 3]");
}

}  // namespace toptheta
