// Sink logits beside the rows of a dump.
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "core/error.hpp"
#include "dump/reader.hpp"
#include "dump/writer.hpp"
#include "io/hdf5.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace toptheta {
namespace {

constexpr float kNoSink = -std::numeric_limits<float>::infinity();
constexpr std::int64_t kSinkTokens = 6;

DumpHeader header_with_sinks(DumpContent content) {
  return {.content = content,
          .shape = {2, 2, 1, 4},
          .scale = 0.5,
          .model = "with sinks",
          .sinks = {0.25F, -3, kNoSink, kNoSink}};
}

void write_dump(const std::filesystem::path& path, const DumpHeader& header, int gzip = 0) {
  DumpWriter writer(path, header, {.element = DumpElement::f32, .gzip_level = gzip});
  writer.begin_sample({.name = "0", .kv_len = kSinkTokens});
  const std::vector<float> values(kSinkTokens * kSinkTokens * 8, 0.5F);
  std::vector<std::int32_t> lengths;
  for (std::int32_t n = 1; n <= kSinkTokens; ++n)
    lengths.push_back(n);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    if (header.content == DumpContent::qk)
      writer.add_queries_keys({layer, 0, kSinkTokens, values.data(), values.data(), nullptr});
    else
      for (std::int64_t head = 0; head < 2; ++head)
        writer.add({layer, head, values.data(), kSinkTokens, lengths});
  }
  writer.finish();
}

class SinkCollector : public RowSink {
 public:
  void add(const RowBlock& block) override {
    const std::lock_guard lock(mutex_);
    sinks[{block.layer, block.head}] = block.sink;
  }
  std::map<std::pair<std::int64_t, std::int64_t>, float> sinks;

 private:
  std::mutex mutex_;
};

// The dump after `change` was done to its root group; the message of its refusal.
template <typename Change>
std::string refusal_of(const DumpHeader& header, Change change) {
  const testing::TempDir dir;
  {
    hdf5::File file = hdf5::File::create(dir.path("d.h5"), "d.h5");
    hdf5::Group root = file.root();
    root.write_attribute("format", kDumpFormat);
    root.write_attribute("version", std::int64_t{1});
    root.write_attribute("content", name_of(header.content));
    if (header.content == DumpContent::scores) root.write_attribute("placement", name_of(header.placement));
    root.write_attribute("num_layers", std::int64_t{1});
    root.write_attribute("num_heads", std::int64_t{2});
    root.write_attribute("num_kv_heads", std::int64_t{1});
    root.write_attribute("head_dim", std::int64_t{4});
    root.write_attribute("scale", 0.5);
    hdf5::Group sample = root.create_group("samples").create_group("0");
    sample.write_attribute("kv_len", std::int64_t{1});
    sample.write_attribute("phase", "prefill");
    hdf5::Group layer = sample.create_group("layers").create_group("0");
    const std::vector<float> values(8, 0.5F);
    layer.create_dataset("scores", hdf5::Element::f32, {2, 1, 1})
        .write(std::span<const float>(values).first(2));
    change(root);
    file.close();
  }
  try {
    const DumpReader dump(dir.path("d.h5"));
    return "";
  } catch (const InputError& error) {
    return error.problem().what;
  }
}

void write_sinks(hdf5::Group& root, const std::vector<float>& values, const hdf5::Dims& dims) {
  root.create_dataset("sinks", hdf5::Element::f32, dims).write(std::span<const float>(values));
}

}  // namespace

TEST_CASE("every row of a dump comes with its head's sink logit") {
  const testing::TempDir dir;
  int number = 0;
  for (const DumpContent content : {DumpContent::scores, DumpContent::qk})
    for (const int gzip : {0, 3}) {
      const DumpHeader header = header_with_sinks(content);
      const std::filesystem::path path = dir.path(std::to_string(number++) + ".h5");
      write_dump(path, header, gzip);
      const DumpReader dump(path);
      CHECK(dump.header().sinks == header.sinks);
      SinkCollector got;
      for (std::int64_t layer = 0; layer < 2; ++layer)
        dump.stream(0, layer, got);
      CHECK(got.sinks[{0, 0}] == 0.25F);
      CHECK(got.sinks[{0, 1}] == -3);
      CHECK(got.sinks[{1, 0}] == kNoSink);
      CHECK(got.sinks[{1, 1}] == kNoSink);
    }
  DumpHeader without = header_with_sinks(DumpContent::scores);
  without.sinks.clear();
  write_dump(dir.path("none.h5"), without);
  SinkCollector got;
  DumpReader(dir.path("none.h5")).stream(0, 0, got);
  CHECK(got.sinks[{0, 0}] == kNoSink);
}

TEST_CASE("a dump that says that its model has sinks, and lacks them, is refused") {
  DumpHeader scores;
  CHECK(refusal_of(scores, [](hdf5::Group&) {}).empty());
  CHECK(refusal_of(scores, [](hdf5::Group& root) { root.write_attribute("has_sinks", std::int64_t{1}); }) ==
        "the model has sink logits, which the dump does not hold");
  CHECK(refusal_of(scores, [](hdf5::Group& root) { write_sinks(root, {1, 2}, {1, 2}); }).empty());
  CHECK(refusal_of(scores, [](hdf5::Group& root) { write_sinks(root, {1, 2}, {2, 1}); }) == "wrong shape");
  CHECK(refusal_of(scores, [](hdf5::Group& root) {
          write_sinks(root, {1, std::nanf("")}, {1, 2});
        }) == "not a sink logit");
  CHECK(refusal_of(scores, [](hdf5::Group& root) {
          root.write_attribute("has_sinks", std::int64_t{0});
          write_sinks(root, {1, 2}, {1, 2});
        }) == "sink logits in the dump of a model that has none according to the attribute has_sinks");
  CHECK(refusal_of(scores, [](hdf5::Group& root) { root.write_attribute("has_sinks", std::int64_t{2}); }) ==
        "attribute 'has_sinks' is out of range");
  // Weights were divided by the whole denominator already.
  DumpHeader weights;
  weights.placement = Placement::post_softmax;
  CHECK(refusal_of(weights, [](hdf5::Group& root) {
          root.write_attribute("has_sinks", std::int64_t{1});
        }).empty());
}

}  // namespace toptheta
