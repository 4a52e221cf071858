// One calibration, whatever the layout of the dump and the number of threads: the table's bytes agree.
#include <fstream>
#include <iterator>
#include <mutex>

#include "calibrate/estimate.hpp"
#include "calibrate/from_dumps.hpp"
#include "calibrate/run.hpp"
#include "core/half.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "io/hdf5.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "theta/formats/table_file.hpp"

using namespace toptheta;

namespace {

constexpr std::int64_t kLayers = 3;
constexpr std::int64_t kHeads = 2;
constexpr std::int64_t kKeys = 150;

// Multiples of 1/8 below 32 are exact in every element type; those past the causal limit must not matter.
std::vector<float> scores_of(std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(kHeads * kKeys * kKeys));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) / kKeys % kKeys;
    const auto key = static_cast<std::int64_t>(i) % kKeys;
    values[i] = key > row ? -1e30F : static_cast<float>(static_cast<int>(random.below(400)) - 200) / 8;
  }
  return values;
}

void write_scores(hdf5::Group& layer, hdf5::Element element, const hdf5::Storage& storage,
                  const std::vector<float>& values) {
  hdf5::Dataset scores = layer.create_dataset("scores", element, {kHeads, kKeys, kKeys}, storage);
  const hdf5::Box all{{0, 0, 0}, {kHeads, kKeys, kKeys}};
  if (element == hdf5::Element::f32) {
    scores.write(std::span<const float>(values));
  } else if (element == hdf5::Element::f64) {
    const std::vector<double> doubles(values.begin(), values.end());
    scores.write(std::span<const double>(doubles));
  } else {
    std::vector<std::uint16_t> halves;
    for (const float value : values)
      halves.push_back(element == hdf5::Element::f16 ? f16_from_float(value) : bf16_from_float(value));
    scores.write_raw(all, std::as_bytes(std::span(halves)));
    scores.flush();
  }
}

void write_dump(const std::filesystem::path& path, hdf5::Element element, const hdf5::Storage& storage) {
  hdf5::File file = hdf5::File::create(path, path.string());
  hdf5::Group root = file.root();
  root.write_attribute("format", "toptheta.attention-dump");
  root.write_attribute("content", "scores");
  root.write_attribute("placement", "pre-softmax");
  for (const auto& [name, value] : {std::pair{"version", std::int64_t{1}},
                                    {"num_layers", kLayers},
                                    {"num_heads", kHeads},
                                    {"num_kv_heads", kHeads},
                                    {"head_dim", std::int64_t{0}}})
    root.write_attribute(name, value);
  hdf5::Group samples = root.create_group("samples");
  for (int sample = 0; sample < 2; ++sample) {
    hdf5::Group group = samples.create_group(std::to_string(sample));
    group.write_attribute("kv_len", kKeys);
    group.write_attribute("phase", "prefill");
    hdf5::Group layers = group.create_group("layers");
    for (std::int64_t layer = 0; layer < kLayers; ++layer) {
      hdf5::Group own = layers.create_group(std::to_string(layer));
      write_scores(own, element, storage, scores_of(static_cast<std::uint64_t>(sample * kLayers + layer)));
    }
  }
}

std::string table_bytes(const std::filesystem::path& dump, const CalibrationOptions& options,
                        const std::filesystem::path& path) {
  save_table(calibrate_from_dumps({dump}, options).table, path);
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("every layout, element type and number of threads gives the same table", "[calibration]") {
  const testing::TempDir dir;
  CalibrationOptions options;
  options.k = {5, 40};
  options.offline_sdc = true;
  write_dump(dir.path("plain.h5"), hdf5::Element::f32, {});
  set_thread_count(1);
  const std::string expected = table_bytes(dir.path("plain.h5"), options, dir.path("expected.h5"));
  const std::vector<hdf5::Storage> layouts = {{},
                                              {.chunk = {1, 8, 64}},
                                              {.chunk = {2, 150, 150}},
                                              {.chunk = {1, 32, 150}, .gzip_level = 4},
                                              {.chunk = {2, 7, 31}, .gzip_level = 1}};
  for (const auto element : {hdf5::Element::f32, hdf5::Element::f16, hdf5::Element::bf16, hdf5::Element::f64})
    for (const hdf5::Storage& layout : layouts) {
      write_dump(dir.path("d.h5"), element, layout);
      for (const int threads : {1, 4}) {
        set_thread_count(threads);
        INFO(hdf5::name_of(element) << ", chunks " << hdf5::format_dims(layout.chunk) << ", " << threads);
        CHECK((table_bytes(dir.path("d.h5"), options, dir.path("found.h5")) == expected));
      }
    }
  set_thread_count(0);
}

TEST_CASE("progress names its stage, reaches all bytes, and ends with the calibration", "[calibration]") {
  const testing::TempDir dir;
  write_dump(dir.path("d.h5"), hdf5::Element::f32, {});
  std::mutex mutex;
  std::vector<std::string> stages;  // as they begin
  std::int64_t last = 0;
  std::int64_t total = 0;
  std::int64_t calls = 0;
  CalibrationOptions options;
  options.k = {5};
  options.offline_sdc = true;
  options.progress = [&](std::string_view stage, std::int64_t done, std::int64_t all, std::string_view unit) {
    const std::lock_guard lock(mutex);
    ++calls;
    if (stages.empty() || stages.back() != stage) stages.emplace_back(stage);
    last = done;
    total = all;
    if (unit != "bytes") stages.emplace_back(unit);
  };
  DumpSource source({dir.path("d.h5")});
  (void)run_calibration(source, options, {});
  CHECK(stages == std::vector<std::string>{"calibrating", "SDC"});
  CHECK(total == 2 * kLayers * kHeads * kKeys * kKeys * 4);
  CHECK(last == total);
  // Who streams from the source afterwards is not this calibration.
  const std::int64_t before = calls;
  struct Ignore : RowSink {
    void add(const RowBlock&) override {}
  } sink;
  source.stream(0, {}, 0, sink);
  CHECK(calls == before);
}

TEST_CASE("what a calibration will take is told from the headers", "[calibration]") {
  const testing::TempDir dir;
  write_dump(dir.path("d.h5"), hdf5::Element::f16, {.chunk = {1, 32, 150}, .gzip_level = 4});
  CalibrationOptions options;
  options.k = {5, 40};
  DumpSource source({dir.path("d.h5")});
  const CalibrationEstimate estimate = estimate_calibration(source, options, {});
  CHECK(estimate.samples == 2);
  CHECK(estimate.rows == 2 * kLayers * kHeads * kKeys);
  CHECK(estimate.bytes == estimate.rows * kKeys * 2);
  CHECK(estimate.passes == 1);
  CHECK(estimate.entries == kLayers * kHeads * ((kKeys - 5) + (kKeys - 40)));
  CHECK(estimate.least() < estimate.best());
  options.row_fraction = 0.5;
  options.offline_sdc = true;
  const CalibrationEstimate half = estimate_calibration(source, options, {});
  CHECK(half.rows == estimate.rows / 2);
  CHECK(half.passes == 2);
  CHECK(estimate_calibration(source, options, {1, 2}).samples == 1);
  // The table is about as large as said.
  options.row_fraction = 1;
  const auto size = static_cast<double>(table_bytes(dir.path("d.h5"), options, dir.path("t.h5")).size());
  INFO("said " << estimate.output_bytes << " bytes, is " << size);
  CHECK((static_cast<double>(estimate.output_bytes) > size / 3 &&
         static_cast<double>(estimate.output_bytes) < size * 3));
}
