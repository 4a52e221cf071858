// Chunks that are decoded without the HDF5 library: whatever their shape, filters and state.
#include <algorithm>
#include <atomic>
#include <bit>
#include <fstream>
#include <iterator>

#include "core/error.hpp"
#include "core/half.hpp"
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
using testing::kHeads;

constexpr std::int64_t kRows = 23;
constexpr std::int64_t kKeys = 37;

// Takes rows in any order.
struct Bag : Collector {
  [[nodiscard]] bool is_order_free() const override { return true; }
  void sort() {
    for (auto& [place, rows] : heads)
      std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
  }
};

std::vector<float> noise(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = static_cast<float>(random.uniform() * 4 - 2);
  return values;
}

testing::DumpSpec spec_of(const hdf5::Storage& storage, const std::vector<float>& values) {
  return {.kv_len = kKeys, .fill = [&storage, &values](hdf5::Group& layer) {
            testing::write_floats(layer, "scores", {kHeads, kRows, kKeys}, values, storage);
          }};
}

auto rows_of(const std::filesystem::path& path, std::int64_t memory = DumpReader::kBufferBytes) {
  DumpReader dump(path);
  dump.limit_memory(memory);
  Bag bag;
  dump.stream(0, 1, bag);
  bag.sort();
  return bag.heads;
}

const std::vector<hdf5::Dims> kChunks = {{1, 1, 37}, {1, 4, 8},  {2, 5, 16}, {4, 23, 37},
                                         {3, 23, 1}, {4, 1, 37}, {1, 23, 20}};

// The stored bytes of a compressed chunk begin like this (zlib, levels 2 to 5).
std::size_t find_chunk(const std::string& file) {
  return file.find("\x78\x5e");
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("chunks of every shape give the rows of a contiguous data set, in any memory and on any threads") {
  const testing::TempDir dir;
  const std::vector<float> values = noise(static_cast<std::size_t>(kHeads * kRows * kKeys), 1);
  const auto plain = dir.path("plain.h5");
  testing::write_dump(plain, spec_of({}, values));
  const auto expected = rows_of(plain);
  REQUIRE(expected.size() == static_cast<std::size_t>(kHeads));
  for (const hdf5::Dims& chunk : kChunks)
    for (const int level : {0, 4}) {
      const auto path = dir.path("chunked.h5");
      testing::write_dump(path, spec_of({.chunk = chunk, .gzip_level = level}, values));
      INFO(hdf5::format_dims(chunk) << ", gzip " << level);
      for (const int threads : {1, 3})
        for (const std::int64_t memory : {std::int64_t{1}, std::int64_t{70000}, DumpReader::kBufferBytes}) {
          set_thread_count(threads);
          CHECK(rows_of(path, memory) == expected);
          set_thread_count(0);
        }
      // A sink that wants the order of the file.
      Collector ordered;
      const DumpReader dump(path);
      dump.stream(0, 1, ordered);
      CHECK(ordered.heads == expected);
      // Some rows.
      const std::vector<std::int64_t> some = {0, 3, 4, 11, 22};
      Collector selected;
      Collector reference;
      dump.stream_selected(0, 1, some, selected);
      DumpReader(plain).stream_selected(0, 1, some, reference);
      CHECK(selected.heads == reference.heads);
      const ReadMemory memory = dump.memory();
      CHECK((memory.least > 0 && memory.least <= memory.best));
    }
}

TEST_CASE(
    "a chunk that a row needs and that was never written is refused, one past the causal limit is not") {
  const testing::TempDir dir;
  const auto path = dir.path("holes.h5");
  constexpr std::int64_t kSide = 8;
  constexpr std::int64_t kLength = 4 * kSide;
  const std::vector<float> some(static_cast<std::size_t>(kHeads * kSide * kSide), 3.5F);
  // Writes the chunks [all heads, 8, 8] at or below the diagonal but for the one at `hole`.
  const auto write = [&](int level, std::pair<std::int64_t, std::int64_t> hole) {
    testing::write_dump(
        path, {.kv_len = kLength, .fill = [&](hdf5::Group& layer) {
                 hdf5::Dataset scores =
                     layer.create_dataset("scores", hdf5::Element::f32, {kHeads, kLength, kLength},
                                          {.chunk = {kHeads, kSide, kSide}, .gzip_level = level});
                 for (std::int64_t row = 0; row < kLength; row += kSide)
                   for (std::int64_t key = 0; key <= row; key += kSide)
                     if (hole != std::pair{row, key})
                       scores.write({{0, row, key}, {kHeads, kSide, kSide}}, std::span<const float>(some));
                 scores.flush();
               }});
  };
  for (const int level : {0, 4}) {
    write(level, {-1, -1});
    CHECK(rows_of(path).size() == static_cast<std::size_t>(kHeads));
    write(level, {16, 8});
    try {
      rows_of(path);
      FAIL("no error");
    } catch (const InputError& error) {
      CHECK(error.problem().what == "elements were never written");
      CHECK(error.problem().found == "nothing for heads 0 to 3, rows 16 to 23, keys 8 to 15");
    }
    // Only what is read counts.
    Collector selected;
    DumpReader(path).stream_selected(0, 1, std::vector<std::int64_t>{0, 9, 30}, selected);
    CHECK(selected.heads.size() == static_cast<std::size_t>(kHeads));
  }
}

TEST_CASE("chunks that compression would have made larger are stored as they are") {
  const testing::TempDir dir;
  // Random bits: each a finite float, none to be compressed.
  Random random(3);
  std::vector<float> values(static_cast<std::size_t>(kHeads * kRows * kKeys));
  for (float& value : values) {
    std::uint32_t bits = 0;
    do
      bits = static_cast<std::uint32_t>(random.below(std::uint64_t{1} << 32));
    while ((bits >> 23 & 0xFFU) == 0xFFU);
    value = std::bit_cast<float>(bits);
  }
  testing::write_dump(dir.path("plain.h5"), spec_of({}, values));
  // Small chunks: what a compressor adds is more than what it saves.
  testing::write_dump(dir.path("raw.h5"), spec_of({.chunk = {1, 1, 8}, .gzip_level = 1}, values));
  CHECK(rows_of(dir.path("raw.h5")) == rows_of(dir.path("plain.h5")));
}

TEST_CASE("a damaged chunk is refused by file, data set and place") {
  const testing::TempDir dir;
  const auto path = dir.path("damaged.h5");
  testing::write_dump(path, spec_of({.chunk = {4, 23, 37}, .gzip_level = 4},
                                    std::vector<float>(static_cast<std::size_t>(kHeads * kRows * kKeys), 1)));
  const std::string whole = content_of(path);
  const std::size_t chunk = find_chunk(whole);
  REQUIRE(chunk != std::string::npos);
  for (const std::size_t place : {chunk, chunk + 2, chunk + 12}) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(~damaged[place]);
    std::ofstream(path, std::ios::binary) << damaged;
    try {
      rows_of(path);
      FAIL("no error");
    } catch (const InputError& error) {
      CHECK(error.problem().where == path.string() + ":/samples/s/layers/1/scores");
      CHECK(error.problem().what.find("the chunk at [0, 0, 0]") != std::string::npos);
    }
  }
}

TEST_CASE("progress counts all bytes of the layers, however they are read") {
  const testing::TempDir dir;
  const std::vector<float> values = noise(static_cast<std::size_t>(kHeads * kRows * kKeys), 1);
  for (const hdf5::Storage& storage : {hdf5::Storage{}, hdf5::Storage{.chunk = {2, 5, 16}},
                                       hdf5::Storage{.chunk = {2, 5, 16}, .gzip_level = 1}}) {
    testing::write_dump(dir.path("d.h5"), spec_of(storage, values));
    DumpReader dump(dir.path("d.h5"));
    std::atomic<std::int64_t> bytes = 0;
    dump.on_read([&](std::int64_t more) { bytes += more; });
    Bag bag;
    dump.stream(0, 1, bag);
    CHECK(bytes == kHeads * kRows * kKeys * 4);
    CHECK(bytes == dump.samples()[0].layers[0].bytes);
  }
}

}  // namespace toptheta
