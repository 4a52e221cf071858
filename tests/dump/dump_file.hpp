// A small valid dump, written with io/hdf5.hpp as a user's script would, for tests to bend.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/hdf5.hpp"

namespace toptheta::testing {

inline constexpr std::int64_t kHeads = 4;
inline constexpr std::int64_t kKvHeads = 2;
inline constexpr std::int64_t kHeadDim = 3;

// The score of (head, row, key) in every dump made here: exact in every element type.
inline float score_at(std::int64_t head, std::int64_t row, std::int64_t key) {
  return static_cast<float>(head * 37 + row * 5 - key * 3) * 0.25F;
}

inline std::vector<float> scores(std::int64_t rows, std::int64_t kv_len) {
  std::vector<float> values;
  for (std::int64_t head = 0; head < kHeads; ++head)
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t key = 0; key < kv_len; ++key)
        values.push_back(score_at(head, row, key));
  return values;
}

inline void write_floats(hdf5::Group& group, const std::string& name, const hdf5::Dims& dims,
                         const std::vector<float>& values, const hdf5::Storage& storage = {}) {
  group.create_dataset(name, hdf5::Element::f32, dims, storage).write(std::span<const float>(values));
}

// What a test may change: an attribute left out, or another step in place of the usual one.
struct DumpSpec {
  std::string skip{};  // name of a root or sample attribute to leave out
  std::string content = "scores";
  std::string format = "toptheta.attention-dump";
  std::int64_t version = 1;
  std::string placement = "pre-softmax";
  std::int64_t num_layers = 2;
  std::int64_t num_heads = kHeads;
  std::int64_t num_kv_heads = kKvHeads;
  std::int64_t head_dim = kHeadDim;
  std::int64_t kv_len = 6;
  std::string phase = "prefill";
  double scale = 0.5;
  std::string layer = "1";
  std::function<void(hdf5::Group&)> fill{};           // the layer group; default: 6 rows of scores
  std::function<void(hdf5::Group&)> finish_sample{};  // the sample group
};

inline void write_dump(const std::filesystem::path& path, const DumpSpec& spec) {
  hdf5::File file = hdf5::File::create(path, path.string());
  hdf5::Group root = file.root();
  const auto put = [&](hdf5::Group& group, const std::string& name, const auto& value) {
    if (name != spec.skip) group.write_attribute(name, value);
  };
  put(root, "format", spec.format);
  put(root, "version", spec.version);
  put(root, "content", spec.content);
  if (spec.content == "scores") put(root, "placement", spec.placement);
  if (spec.content == "qk") put(root, "scale", spec.scale);
  put(root, "num_layers", spec.num_layers);
  put(root, "num_heads", spec.num_heads);
  put(root, "num_kv_heads", spec.num_kv_heads);
  put(root, "head_dim", spec.head_dim);
  put(root, "something_else", 3.5);
  hdf5::Group samples = root.create_group("samples");
  hdf5::Group sample = samples.create_group("s");
  put(sample, "kv_len", spec.kv_len);
  put(sample, "phase", spec.phase);
  hdf5::Group layers = sample.create_group("layers");
  hdf5::Group layer = layers.create_group(spec.layer);
  if (spec.fill)
    spec.fill(layer);
  else
    write_floats(layer, "scores", {kHeads, 6, 6}, scores(6, 6));
  if (spec.finish_sample) spec.finish_sample(sample);
}

}  // namespace toptheta::testing
