#include "model/weights.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <string>

#include "core/error.hpp"
#include "io/safetensors.hpp"

namespace toptheta {

namespace {

class WeightReader {
 public:
  explicit WeightReader(const std::filesystem::path& directory) : tensors_(directory) {}

  [[nodiscard]] std::vector<float> read(const std::string& name,
                                        const std::vector<std::int64_t>& shape) const {
    const Tensor* const tensor = tensors_.find(name);
    if (tensor == nullptr)
      throw InputError({.where = tensors_.where(),
                        .what = fmt::format("tensor '{}' is missing", name),
                        .expected = fmt::format("shape [{}]", fmt::join(shape, ", ")),
                        .next = "check that the file belongs to this config.json"});
    if (tensor->shape != shape)
      throw InputError({.where = tensor->where,
                        .what = "wrong shape",
                        .expected = fmt::format("[{}], from config.json", fmt::join(shape, ", ")),
                        .found = fmt::format("[{}]", fmt::join(tensor->shape, ", ")),
                        .next = "check that the file belongs to this config.json"});
    std::vector<float> values = floats_of(*tensor);
    for (const float x : values)
      if (!std::isfinite(x))
        throw InputError(
            {.where = tensor->where, .what = "a weight is not finite", .found = fmt::format("{}", x)});
    return values;
  }

  // Several projections of one input, stacked into one product.
  [[nodiscard]] Linear linear(const std::vector<std::pair<std::string, std::int64_t>>& parts, std::int64_t in,
                              bool with_bias) const {
    std::vector<float> weight;
    std::vector<float> bias;
    std::int64_t out = 0;
    for (const auto& [name, rows] : parts) {
      append(weight, read(name + ".weight", {rows, in}));
      if (with_bias) append(bias, read(name + ".bias", {rows}));
      out += rows;
    }
    return {weight, out, in, bias};
  }

 private:
  static void append(std::vector<float>& to, const std::vector<float>& from) {
    to.insert(to.end(), from.begin(), from.end());
  }

  SafetensorsSet tensors_;
};

LayerWeights load_layer(const WeightReader& reader, const ModelConfig& config, std::int64_t layer) {
  const TensorNames& names = config.architecture->tensors;
  const auto name = [layer](std::string_view pattern) { return layer_tensor(pattern, layer); };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t q_size = config.shape.num_heads * config.shape.head_dim;
  const std::int64_t kv_size = config.shape.num_kv_heads * config.shape.head_dim;
  return {
      .attention_norm = reader.read(name(names.attention_norm) + ".weight", {hidden}),
      .query_key_value = reader.linear(
          {{name(names.query), q_size}, {name(names.key), kv_size}, {name(names.value), kv_size}}, hidden,
          config.attention_bias),
      .output = reader.linear({{name(names.output), hidden}}, q_size, config.attention_bias),
      .ffn_norm = reader.read(name(names.ffn_norm) + ".weight", {hidden}),
      .gate_up = reader.linear({{name(names.gate), config.ffn_size}, {name(names.up), config.ffn_size}},
                               hidden, config.mlp_bias),
      .down = reader.linear({{name(names.down), hidden}}, config.ffn_size, config.mlp_bias),
  };
}

}  // namespace

Weights load_weights(const std::filesystem::path& directory, const ModelConfig& config) {
  const WeightReader reader(directory);
  const TensorNames& names = config.architecture->tensors;
  std::vector<float> embedding =
      reader.read(std::string(names.embedding) + ".weight", {config.vocab_size, config.hidden_size});
  std::vector<LayerWeights> layers;
  for (std::int64_t layer = 0; layer < config.shape.num_layers; ++layer)
    layers.push_back(load_layer(reader, config, layer));
  std::vector<float> final_norm =
      reader.read(std::string(names.final_norm) + ".weight", {config.hidden_size});
  Linear head = config.tied_embeddings ? Linear(embedding, config.vocab_size, config.hidden_size)
                                       : reader.linear({{std::string(names.head), config.vocab_size}},
                                                       config.hidden_size, false);
  return {std::move(embedding), std::move(layers), std::move(final_norm), std::move(head)};
}

}  // namespace toptheta
