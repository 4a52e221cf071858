#include "model/describe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace toptheta {

namespace {

std::string norm_words(const ModelConfig& config) {
  const TensorNames& names = config.tensors;
  std::vector<std::string> places;
  if (names.attention_norm || names.ffn_norm) places.emplace_back("before");
  if (names.attention_post_norm || names.ffn_post_norm) places.emplace_back("after");
  std::string text =
      fmt::format("{} norm {} attention and feed-forward part",
                  config.norms.kind == Norms::Kind::rms ? "RMS" : "layer", fmt::join(places, " and "));
  if (config.query_key_norm == QueryKeyNorm::per_head) text += ", and of every head's queries and keys";
  if (config.query_key_norm == QueryKeyNorm::whole) text += ", and of all queries and all keys";
  return text;
}

std::string rope_words(const Rope& rope, const ModelConfig& config) {
  const char* const names[] = {"",
                               ", linear scaling by {}",
                               ", dynamic scaling by {}",
                               ", llama3 scaling by {}",
                               ", YaRN scaling by {}",
                               ", longrope scaling by {}"};
  std::string text = fmt::format("rotary positions, base {}", rope.theta);
  if (rope.dims != config.shape.head_dim)
    text += fmt::format(", {} of {} dimensions", rope.dims, config.shape.head_dim);
  return text + fmt::format(fmt::runtime(names[static_cast<int>(rope.scaling.kind)]), rope.scaling.factor);
}

std::string attention_words(const ModelConfig& config) {
  const ModelShape& shape = config.shape;
  std::string text =
      fmt::format("{} query heads of {} on {} KV heads", shape.num_heads, shape.head_dim, shape.num_kv_heads);
  if (config.score_cap != 0) text += fmt::format(", scores capped at {}", config.score_cap);
  if (!config.tensors.sinks.empty()) text += ", sinks";
  if (config.tensors.query.bias.empty() && config.tensors.query_key_value.bias.empty()) return text;
  return text + ", biases";
}

// "a window of 12 on 3 of 6 layers"
std::string window_words(const ModelConfig& config) {
  std::int64_t window = 0;
  std::int64_t count = 0;
  for (const LayerKind& layer : config.layers)
    if (layer.window > 0) {
      window = layer.window;
      ++count;
    }
  if (count == 0) return "";
  return fmt::format("a window of {} on {} of {} layers", window, count, config.layers.size());
}

const char* activation_name(Activation activation) {
  switch (activation) {
    case Activation::silu:
      return "SiLU";
    case Activation::gelu_tanh:
      return "GELU (tanh)";
    case Activation::gelu_erf:
      return "GELU (erf)";
    case Activation::relu:
      return "ReLU";
    case Activation::relu_squared:
      return "squared ReLU";
    case Activation::clamped_swish:
      return "clamped swish";
  }
  return "";
}

std::string ffn_words(const ModelConfig& config) {
  std::string text =
      fmt::format("{} {}", config.gated() ? "gated" : "plain", activation_name(config.ffn.activation));
  if (config.experts.count == 0) return fmt::format("{} feed-forward part of {}", text, config.ffn_size);
  return fmt::format("{} of {} experts of {}, {}", config.experts.per_token, config.experts.count,
                     config.experts.ffn_size, text);
}

}  // namespace

std::vector<std::string> describe(const ModelConfig& config) {
  std::vector<std::string> words = {
      fmt::format("{}, {} layers of {}{}", config.family, config.shape.num_layers, config.hidden_size,
                  config.block == Block::parallel ? ", parallel blocks" : ""),
      norm_words(config), attention_words(config)};
  if (!config.tensors.positions.empty()) words.emplace_back("learned positions");
  for (const Rope& rope : config.ropes)
    words.push_back(rope_words(rope, config));
  const std::string window = window_words(config);
  if (!window.empty()) words.push_back(window);
  words.push_back(ffn_words(config));
  words.push_back(fmt::format("vocabulary of {}, embeddings {}", config.vocab_size,
                              config.tied_embeddings ? "tied" : "not tied"));
  if (config.logit_cap != 0) words.push_back(fmt::format("logits capped at {}", config.logit_cap));
  return words;
}

}  // namespace toptheta
