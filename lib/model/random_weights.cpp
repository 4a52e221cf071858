#include "model/random_weights.hpp"

#include <fmt/format.h>

#include <cassert>
#include <charconv>
#include <cmath>
#include <string>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "model/family.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kLargestSize = std::int64_t{1} << 20;
constexpr std::int64_t kDefaultContext = 131072;

[[noreturn]] void refuse(std::string_view text, std::string what) {
  throw UsageError({.where = "--shape",
                    .what = std::move(what),
                    .expected = "d=768,layers=12,heads=12,kv-heads=12,ffn=2048,vocab=32000",
                    .found = fmt::format("'{}'", text),
                    .next = "kv-heads, head-dim and context may be left out"});
}

struct ShapeText {
  std::int64_t d = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, ffn = 0, vocab = 0, context = 0;

  std::int64_t* field(std::string_view key) {
    const std::pair<std::string_view, std::int64_t*> fields[] = {
        {"d", &d},     {"layers", &layers}, {"heads", &heads},     {"kv-heads", &kv_heads},
        {"ffn", &ffn}, {"vocab", &vocab},   {"context", &context}, {"head-dim", &head_dim}};
    for (const auto& [name, value] : fields)
      if (name == key) return value;
    return nullptr;
  }
};

void apply(ShapeText& shape, std::string_view part, std::string_view text) {
  const std::size_t equals = part.find('=');
  std::int64_t* field = shape.field(part.substr(0, equals));
  if (equals == std::string_view::npos || field == nullptr)
    refuse(text, fmt::format("'{}' is not a part of a shape", part));
  const std::string_view number = part.substr(equals + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), *field);
  if (error != std::errc() || end != number.data() + number.size() || *field < 1 || *field > kLargestSize)
    refuse(text, fmt::format("'{}' is not a size from 1 to {}", part, kLargestSize));
}

std::vector<float> random_matrix(std::uint64_t seed, std::uint64_t stream, std::int64_t out,
                                 std::int64_t in) {
  std::vector<float> weight(static_cast<std::size_t>(out * in));
  const double size = std::sqrt(3.0 / static_cast<double>(in));
  constexpr std::int64_t kTile = 64;
  parallel_for((out + kTile - 1) / kTile, [&](std::int64_t tile) {
    Random random(seed, (stream << 32) + static_cast<std::uint64_t>(tile));
    const std::int64_t end = std::min(out, (tile + 1) * kTile) * in;
    for (std::int64_t i = tile * kTile * in; i < end; ++i)
      weight[static_cast<std::size_t>(i)] = static_cast<float>(size * (2 * random.uniform() - 1));
  });
  return weight;
}

}  // namespace

ModelConfig config_from_shape(std::string_view text) {
  ShapeText shape;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    apply(shape, rest.substr(0, comma), text);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  for (const char* key : {"d", "layers", "heads", "ffn", "vocab"})
    if (*shape.field(key) == 0) refuse(text, fmt::format("'{}' is missing", key));
  if (shape.kv_heads == 0) shape.kv_heads = shape.heads;
  if (shape.heads % shape.kv_heads != 0) refuse(text, "kv-heads does not divide heads");
  if (shape.head_dim == 0 && shape.d % shape.heads != 0) refuse(text, "heads does not divide d");
  if (shape.head_dim == 0) shape.head_dim = shape.d / shape.heads;
  if (shape.head_dim % 2 != 0) refuse(text, "the head dimension is odd, but rotary embedding needs pairs");
  ModelConfig config;
  config.name = fmt::format("random ({})", text);
  config.family = "llama";
  config.tensors = llama_tensors();
  config.shape = {shape.layers, shape.heads, shape.kv_heads, shape.head_dim};
  config.layers.resize(static_cast<std::size_t>(shape.layers));
  config.ropes = {Rope{.dims = shape.head_dim}};
  config.hidden_size = shape.d;
  config.ffn_size = shape.ffn;
  config.vocab_size = shape.vocab;
  config.context = shape.context == 0 ? kDefaultContext : shape.context;
  return config;
}

Weights random_weights(const ModelConfig& config, std::uint64_t seed, Compute compute) {
  std::uint64_t stream = 0;
  const auto linear = [&](std::int64_t out, std::int64_t in) {
    return Linear(random_matrix(seed, ++stream, out, in), out, in, {}, compute);
  };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t queries = config.shape.num_heads * config.shape.head_dim;
  const std::int64_t keys = config.shape.num_kv_heads * config.shape.head_dim;
  const NormWeights ones{std::vector<float>(static_cast<std::size_t>(hidden), 1.0F), {}};
  std::vector<float> embedding = random_matrix(seed, 0, config.vocab_size, hidden);
  std::vector<LayerWeights> layers;
  for (std::int64_t l = 0; l < config.shape.num_layers; ++l) {
    // Statements fix the order of the draws; in the call below, the compiler would choose it.
    Linear query_key_value = linear(queries + 2 * keys, hidden);
    Linear output = linear(hidden, queries);
    FeedForwardWeights ffn;
    ffn.up.push_back(linear(2 * config.ffn_size, hidden));
    ffn.down.push_back(linear(hidden, config.ffn_size));
    layers.push_back({.attention_norm = ones,
                      .query_key_value = std::move(query_key_value),
                      .query_norm = {},
                      .key_norm = {},
                      .sinks = {},
                      .output = std::move(output),
                      .attention_post_norm = {},
                      .ffn_norm = ones,
                      .ffn = std::move(ffn),
                      .experts = {},
                      .ffn_post_norm = {}});
  }
  return {std::move(embedding), {}, std::move(layers), ones, linear(config.vocab_size, hidden)};
}

}  // namespace toptheta
