#include "model/weights.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "core/error.hpp"
#include "model/weight_reader.hpp"

namespace toptheta {

namespace {

using Part = WeightReader::Part;
using Order = std::vector<std::int64_t>;

TensorName of_layer(const TensorName& name, std::int64_t layer, std::int64_t expert = 0) {
  return {layer_tensor(name.weight, layer, expert), layer_tensor(name.bias, layer, expert)};
}

// The stored row for row `row` of the queries or keys, if rows that are rotated together are stored as
// neighbours.
std::int64_t paired(std::int64_t row, std::int64_t head_dim, std::int64_t dims) {
  const std::int64_t within = row % head_dim;
  if (within >= dims) return row;
  const std::int64_t half = dims / 2;
  return row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
}

Order pair_order(const ModelConfig& config, std::int64_t layer, std::int64_t rows) {
  const std::int64_t rope = config.layers[static_cast<std::size_t>(layer)].rope;
  Order order;
  if (!config.layout.rotary_pairs || rope < 0) return order;
  for (std::int64_t r = 0; r < rows; ++r)
    order.push_back(paired(r, config.shape.head_dim, config.ropes[static_cast<std::size_t>(rope)].dims));
  return order;
}

// The stored rows in the order used here: all queries, all keys, all values.
Order fused_order(const ModelConfig& config, std::int64_t layer) {
  const ModelShape& shape = config.shape;
  const std::int64_t dim = shape.head_dim;
  const std::int64_t group = shape.num_heads / shape.num_kv_heads;
  const std::int64_t sizes[] = {shape.num_heads * dim, shape.num_kv_heads * dim, shape.num_kv_heads * dim};
  const bool grouped = config.layout.query_key_value == TensorLayout::Fused::grouped;
  Order order;
  std::int64_t begin = 0;
  for (int part = 0; part < 3; ++part) {
    const Order pairs = part < 2 ? pair_order(config, layer, sizes[part]) : Order{};
    const std::int64_t heads = part == 0 ? group : 1;  // heads of this kind in a KV group
    const std::int64_t before = part == 0 ? 0 : group + part - 1;
    for (std::int64_t r = 0; r < sizes[part]; ++r) {
      const std::int64_t row = pairs.empty() ? r : pairs[static_cast<std::size_t>(r)];
      const std::int64_t head = row / dim;
      const std::int64_t place = head / heads * (group + 2) + before + head % heads;
      order.push_back(grouped ? place * dim + row % dim : begin + row);
    }
    begin += sizes[part];
  }
  return order;
}

Linear load_query_key_value(WeightReader& reader, const ModelConfig& config, std::int64_t layer) {
  const TensorNames& names = config.tensors;
  const std::int64_t queries = config.shape.num_heads * config.shape.head_dim;
  const std::int64_t keys = config.shape.num_kv_heads * config.shape.head_dim;
  const bool transposed = config.layout.transposed;
  std::vector<Part> parts;
  if (names.query_key_value)
    parts = {{.name = of_layer(names.query_key_value, layer),
              .rows = queries + 2 * keys,
              .order = fused_order(config, layer)}};
  else
    parts = {
        {.name = of_layer(names.query, layer), .rows = queries, .order = pair_order(config, layer, queries)},
        {.name = of_layer(names.key, layer), .rows = keys, .order = pair_order(config, layer, keys)},
        {.name = of_layer(names.value, layer), .rows = keys}};
  for (Part& part : parts)
    part.transposed = transposed;
  return reader.product(parts, config.hidden_size);
}

// The stored rows in the order used here: all gates, all ups. Empty if they are stored so.
Order gate_up_order(const ModelConfig& config, std::int64_t ffn) {
  Order order;
  if (config.layout.gate_up == TensorLayout::Fused::stacked) return order;
  for (std::int64_t r = 0; r < 2 * ffn; ++r)
    order.push_back(r < ffn ? 2 * r : 2 * (r - ffn) + 1);
  return order;
}

std::vector<Part> up_parts(const ModelConfig& config, const TensorName& gate, const TensorName& up,
                           const TensorName& both, std::int64_t ffn) {
  if (both) return {{.name = both, .rows = 2 * ffn, .order = gate_up_order(config, ffn)}};
  std::vector<Part> parts;
  if (gate) parts.push_back({.name = gate, .rows = ffn});
  parts.push_back({.name = up, .rows = ffn});
  return parts;
}

FeedForwardWeights load_ffn(WeightReader& reader, const ModelConfig& config, std::int64_t layer) {
  const TensorNames& names = config.tensors;
  std::vector<Part> up = up_parts(config, of_layer(names.gate, layer), of_layer(names.up, layer),
                                  of_layer(names.gate_up, layer), config.ffn_size);
  Part down{.name = of_layer(names.down, layer), .rows = config.hidden_size, .scale = config.residual_scale};
  for (Part& part : up)
    part.transposed = config.layout.transposed;
  down.transposed = config.layout.transposed;
  FeedForwardWeights ffn;
  ffn.up.push_back(reader.product(up, config.hidden_size));
  ffn.down.push_back(reader.product({down}, config.ffn_size));
  return ffn;
}

bool one_tensor_per_expert(const TensorName& name) {
  const std::size_t first = name.weight.find("{}");
  return first != std::string::npos && name.weight.find("{}", first + 2) != std::string::npos;
}

ExpertWeights load_experts(WeightReader& reader, const ModelConfig& config, std::int64_t layer) {
  const TensorNames& names = config.tensors;
  const Experts& experts = config.experts;
  const bool single = one_tensor_per_expert(names.expert_down);
  ExpertWeights weights;
  // The router is small, and with rounded weights it might choose other experts.
  const Compute exact = reader.compute() == Compute::q8 ? Compute::f32 : reader.compute();
  weights.router.push_back(reader.product({{.name = of_layer(names.router, layer), .rows = experts.count}},
                                          config.hidden_size, exact));
  for (std::int64_t e = 0; e < experts.count; ++e) {
    const auto name = [&](const TensorName& pattern) { return of_layer(pattern, layer, e); };
    const auto placed = [&](Part part) {
      part.experts = single ? 0 : experts.count;
      part.expert = single ? 0 : e;
      part.transposed = config.layout.experts_transposed;
      return part;
    };
    std::vector<Part> up;
    for (const Part& part : up_parts(config, name(names.expert_gate), name(names.expert_up),
                                     name(names.expert_gate_up), experts.ffn_size))
      up.push_back(placed(part));
    const Part down =
        placed({.name = name(names.expert_down), .rows = config.hidden_size, .scale = config.residual_scale});
    weights.up.push_back(reader.product(up, config.hidden_size));
    weights.down.push_back(reader.product({down}, experts.ffn_size));
  }
  return weights;
}

LayerWeights load_layer(WeightReader& reader, const ModelConfig& config, std::int64_t layer) {
  const TensorNames& names = config.tensors;
  const ModelShape& shape = config.shape;
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t queries = shape.num_heads * shape.head_dim;
  const bool whole = config.query_key_norm == QueryKeyNorm::whole;
  const auto norm = [&](const TensorName& name, std::int64_t size) {
    return reader.norm(of_layer(name, layer), size);
  };
  const bool has_experts = config.layers[static_cast<std::size_t>(layer)].experts;
  return {.attention_norm = norm(names.attention_norm, hidden),
          .query_key_value = load_query_key_value(reader, config, layer),
          .query_norm = norm(names.query_norm, whole ? queries : shape.head_dim),
          .key_norm = norm(names.key_norm, whole ? shape.num_kv_heads * shape.head_dim : shape.head_dim),
          .sinks = reader.vector(layer_tensor(names.sinks, layer), shape.num_heads),
          .output = reader.product({{.name = of_layer(names.output, layer),
                                     .rows = hidden,
                                     .transposed = config.layout.transposed,
                                     .scale = config.residual_scale}},
                                   queries),
          .attention_post_norm = norm(names.attention_post_norm, hidden),
          .ffn_norm = norm(names.ffn_norm, hidden),
          .ffn = has_experts ? FeedForwardWeights{} : load_ffn(reader, config, layer),
          .experts = has_experts ? load_experts(reader, config, layer) : ExpertWeights{},
          .ffn_post_norm = norm(names.ffn_post_norm, hidden)};
}

// If a model with tied embeddings has a head nevertheless, it must equal the embedding.
void require_tied(const TensorSource& source, const SourceTensor& head, const SourceTensor& embedding) {
  bool same = head.shape == embedding.shape;
  const std::int64_t width = embedding.row_size();
  std::vector<float> a(static_cast<std::size_t>(width));
  std::vector<float> b = a;
  for (std::int64_t r = 0; same && r < embedding.shape.front(); ++r)
    same = source.read_rows(head, r, 1, a.data()) && source.read_rows(embedding, r, 1, b.data()) && a == b;
  if (same) return;
  throw InputError({.where = head.where,
                    .what = "the tensor differs from the embedding, although the configuration ties them",
                    .expected = "no such tensor, the embedding's values, or tie_word_embeddings false",
                    .found = "other values",
                    .next = "set tie_word_embeddings to false to use this tensor"});
}

// The layer's number in a tensor's name; -1 if the tensor belongs to no layer.
std::int64_t layer_of(const std::string& name, const ModelConfig& config) {
  const TensorNames& names = config.tensors;
  const std::string& pattern = names.output.weight;
  std::string start = pattern.substr(0, pattern.find("{}"));
  if (name.compare(0, start.size(), start) != 0 && start.compare(0, names.prefix.size(), names.prefix) == 0)
    start = start.substr(names.prefix.size());
  if (name.compare(0, start.size(), start) != 0) return -1;
  std::int64_t layer = -1;
  std::from_chars(name.data() + start.size(), name.data() + name.size(), layer);
  return layer;
}

bool ends_with_any(const std::string& name, const std::vector<std::string>& endings) {
  for (const std::string& ending : endings)
    if (name.size() >= ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0)
      return true;
  return false;
}

void account_for_unused(const TensorSource& source, const WeightReader& reader, ModelConfig& config) {
  const SourceTensor* head = config.tied_embeddings ? reader.find(config.tensors.head.weight) : nullptr;
  for (const std::string& name : source.names()) {
    if (reader.used().count(name) > 0 || ends_with_any(name, config.tensors.weightless)) continue;
    const SourceTensor& tensor = *source.find(name);
    if (head != nullptr && &tensor == head) {
      require_tied(source, tensor, *reader.find(config.tensors.embedding));
      continue;
    }
    const std::int64_t layer = layer_of(name, config);
    const auto refuse = [&](const std::string& what, const std::string& expected, const std::string& next) {
      throw InputError(
          {.where = tensor.where, .what = what, .expected = expected, .found = name, .next = next});
    };
    if (layer >= config.shape.num_layers)
      refuse("a layer beyond those that the configuration has",
             fmt::format("layers 0 to {}", config.shape.num_layers - 1), "check num_hidden_layers");
    if (layer >= 0 && ends_with_any(name, {".bias"}))
      refuse("a bias that the configuration does not mention",
             "no such tensor, or attention_bias or mlp_bias true", "check config.json's biases");
    if (layer >= 0)
      refuse("a tensor of a layer that this architecture does not use",
             fmt::format("tensors of {}", config.family),
             "check that the configuration's architecture is that of these weights");
    config.unused.push_back(tensor.where);
  }
}

}  // namespace

Weights load_weights(const TensorSource& source, ModelConfig& config, Compute compute) {
  WeightReader reader(source, config, compute);
  const TensorNames& names = config.tensors;
  const SourceTensor& table = reader.require(names.embedding, {config.vocab_size, config.hidden_size});
  // If the head keeps the values of a tied embedding exactly, one copy serves both.
  const bool exact = compute == Compute::f32 || (compute == Compute::bf16 && table.type == "BF16") ||
                     (compute == Compute::q8 && source.code_group(table) > 0);
  const bool shared = config.tied_embeddings && exact;
  std::vector<float> embedding;
  if (!shared) embedding = reader.matrix(names.embedding, config.vocab_size, config.hidden_size);
  std::vector<float> positions = reader.matrix(names.positions, config.context, config.hidden_size);
  std::vector<LayerWeights> layers;
  layers.reserve(static_cast<std::size_t>(config.shape.num_layers));
  for (std::int64_t l = 0; l < config.shape.num_layers; ++l)
    layers.push_back(load_layer(reader, config, l));
  NormWeights final_norm = reader.norm(names.final_norm, config.hidden_size);
  TensorName head = names.head;
  if (config.tied_embeddings) head.weight = names.embedding;
  Linear product = reader.product({{.name = head, .rows = config.vocab_size}}, config.hidden_size);
  account_for_unused(source, reader, config);
  return {std::move(embedding),  std::move(positions), std::move(layers),
          std::move(final_norm), std::move(product),   reader.kept_codes()};
}

}  // namespace toptheta
