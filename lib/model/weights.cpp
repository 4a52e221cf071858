#include "model/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "io/safetensors.hpp"

namespace toptheta {

namespace {

using Floats = std::vector<float>;
using Shape = std::vector<std::int64_t>;

std::string shown(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// A matrix by its name and number of rows.
struct Matrix {
  std::string name;
  std::int64_t out;
};

class WeightReader {
 public:
  WeightReader(const std::filesystem::path& directory, const ModelConfig& config, Compute compute)
      : tensors_(directory), config_(config), compute_(compute) {}

  [[nodiscard]] Floats vector(const std::string& name) const { return read(name, {config_.hidden_size}); }

  [[nodiscard]] Floats embedding() const {
    const std::string name = fmt::format("{}.weight", config_.architecture->tensors.embedding);
    return read(name, {config_.vocab_size, config_.hidden_size});
  }

  // One product of several matrices that share their input, stacked.
  [[nodiscard]] Linear linear(std::initializer_list<Matrix> parts, std::int64_t in, bool has_bias) const {
    Floats weight;
    Floats bias;
    std::int64_t out = 0;
    for (const Matrix& part : parts) {
      append(weight, read(part.name + ".weight", {part.out, in}));
      out += part.out;
      if (has_bias)
        append(bias, read(part.name + ".bias", {part.out}));
      else
        refuse(part.name + ".bias");
    }
    return {weight, out, in, bias, compute_};
  }

 private:
  [[nodiscard]] Floats read(const std::string& name, const Shape& shape) const {
    const Tensor* tensor = tensors_.find(name);
    if (tensor == nullptr)
      throw InputError({.where = fmt::format("{}: tensor '{}'", tensors_.where(), name),
                        .what = "missing tensor",
                        .expected = shown(shape),
                        .found = fmt::format("{} other tensors", tensors_.names().size()),
                        .next = "check that config.json belongs to these weights"});
    if (tensor->shape != shape)
      throw InputError({.where = tensor->where,
                        .what = "wrong shape",
                        .expected = shown(shape),
                        .found = shown(tensor->shape),
                        .next = "check that config.json belongs to these weights"});
    return floats_of(*tensor);
  }

  // A bias that goes unread would silently change the model.
  void refuse(const std::string& bias) const {
    const Tensor* tensor = tensors_.find(bias);
    if (tensor == nullptr) return;
    throw InputError({.where = tensor->where,
                      .what = "a bias that config.json does not announce",
                      .expected = "no such tensor, or attention_bias or mlp_bias true",
                      .found = shown(tensor->shape)});
  }

  // The first part is taken over, not copied: most products have one.
  static void append(Floats& all, Floats part) {
    if (all.empty())
      all = std::move(part);
    else
      all.insert(all.end(), part.begin(), part.end());
  }

  SafetensorsSet tensors_;
  const ModelConfig& config_;
  Compute compute_;
};

LayerWeights load_layer(const WeightReader& reader, const ModelConfig& config, std::int64_t layer) {
  const TensorNames& names = config.architecture->tensors;
  const auto name = [&](std::string_view pattern) { return layer_tensor(pattern, layer); };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t queries = config.shape.num_heads * config.shape.head_dim;
  const std::int64_t keys = config.shape.num_kv_heads * config.shape.head_dim;
  const bool attention_bias = config.attention_bias;
  return {
      .attention_norm = reader.vector(name(names.attention_norm) + ".weight"),
      .query_key_value =
          reader.linear({{name(names.query), queries}, {name(names.key), keys}, {name(names.value), keys}},
                        hidden, attention_bias),
      .output = reader.linear({{name(names.output), hidden}}, queries, attention_bias),
      .ffn_norm = reader.vector(name(names.ffn_norm) + ".weight"),
      .gate_up = reader.linear({{name(names.gate), config.ffn_size}, {name(names.up), config.ffn_size}},
                               hidden, config.mlp_bias),
      .down = reader.linear({{name(names.down), hidden}}, config.ffn_size, config.mlp_bias),
  };
}

Linear load_head(const WeightReader& reader, const ModelConfig& config, const Floats& embedding,
                 Compute compute) {
  if (config.tied_embeddings) return {embedding, config.vocab_size, config.hidden_size, {}, compute};
  return reader.linear({{std::string(config.architecture->tensors.head), config.vocab_size}},
                       config.hidden_size, false);
}

}  // namespace

Weights load_weights(const std::filesystem::path& directory, const ModelConfig& config, Compute compute) {
  const WeightReader reader(directory, config, compute);
  Floats embedding = reader.embedding();
  std::vector<LayerWeights> layers;
  for (std::int64_t l = 0; l < config.shape.num_layers; ++l)
    layers.push_back(load_layer(reader, config, l));
  Floats final_norm = reader.vector(fmt::format("{}.weight", config.architecture->tensors.final_norm));
  Linear head = load_head(reader, config, embedding, compute);
  return {std::move(embedding), std::move(layers), std::move(final_norm), std::move(head)};
}

}  // namespace toptheta
