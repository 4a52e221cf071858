#include "model/gguf_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/error.hpp"

namespace toptheta {

namespace {

// Bounds that are far above any real model, yet keep every product of two sizes far from overflow.
constexpr std::int64_t kLargestGgufSize = std::int64_t{1} << 24;
constexpr std::int64_t kMostGgufParts = std::int64_t{1} << 16;
constexpr std::int64_t kMostGgufPositions = std::numeric_limits<std::int32_t>::max();

std::string of_first_layer(const std::string& pattern) {
  return layer_tensor(pattern, 0);
}

// The experts' tensors: one per expert, as in older files, or one for all experts.
TensorName expert_tensor(const GgufFields& fields, const std::string& name) {
  const std::string single = "blk.{}." + name + ".{}";
  if (fields.file().find(of_first_layer(single) + ".weight") != nullptr)
    return {.weight = single + ".weight"};
  return fields.if_there("blk.{}." + name + "_exps");
}

void read_gguf_shape(const GgufFields& fields, ModelConfig& config) {
  config.hidden_size = fields.whole("embedding_length", 1, kLargestGgufSize);
  config.context = fields.whole("context_length", 1, kMostGgufPositions);
  ModelShape& shape = config.shape;
  shape.num_layers = fields.whole("block_count", 1, kMostGgufParts);
  config.layers.assign(static_cast<std::size_t>(shape.num_layers), LayerKind{});
  shape.num_heads = fields.shared_whole_or("attention.head_count", 1, kMostGgufParts, std::nullopt);
  shape.num_kv_heads = fields.shared_whole_or("attention.head_count_kv", 1, kMostGgufParts, shape.num_heads);
  if (shape.num_heads % shape.num_kv_heads != 0)
    fields.refuse("attention.head_count_kv", "impossible value",
                  fmt::format("a divisor of the {} query heads", shape.num_heads),
                  fmt::format("{}", shape.num_kv_heads));
  if (!fields.has("attention.key_length") && config.hidden_size % shape.num_heads != 0)
    fields.refuse("embedding_length", "impossible value",
                  fmt::format("a multiple of the {} query heads, or attention.key_length", shape.num_heads),
                  fmt::format("{}", config.hidden_size));
  shape.head_dim =
      fields.whole_or("attention.key_length", 1, kMostGgufParts, config.hidden_size / shape.num_heads);
  const std::int64_t values = fields.whole_or("attention.value_length", 1, kMostGgufParts, shape.head_dim);
  if (values != shape.head_dim)
    fields.refuse("attention.value_length", "values of another width than keys are not computed",
                  fmt::format("{}", shape.head_dim), fmt::format("{}", values));
  const GgufTensor* embedding = fields.file().find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2)
    throw InputError({.where = fields.file().where() + ": tensor 'token_embd.weight'",
                      .what = embedding == nullptr ? "the tensor is missing" : "wrong shape",
                      .expected = fmt::format("[tokens, {}]", config.hidden_size)});
  config.vocab_size = embedding->shape.front();
  const std::int64_t said = fields.whole_or("vocab_size", 1, kMostGgufPositions, config.vocab_size);
  if (said != config.vocab_size)
    fields.refuse("vocab_size", "contradicts tensor 'token_embd.weight'",
                  fmt::format("{}", config.vocab_size), fmt::format("{}", said));
}

void read_gguf_norms(const GgufFields& fields, ModelConfig& config) {
  const std::string rms = "attention.layer_norm_rms_epsilon";
  const std::string layer = "attention.layer_norm_epsilon";
  config.norms.kind = fields.has(rms) || !fields.has(layer) ? Norms::Kind::rms : Norms::Kind::layer;
  config.norms.eps = fields.positive(config.norms.kind == Norms::Kind::rms ? rms : layer);
}

void name_gguf_tensors(const GgufFields& fields, ModelConfig& config) {
  const std::string layer = "blk.{}.";
  TensorNames& names = config.tensors;
  names.embedding = "token_embd.weight";
  names.final_norm = fields.needed("output_norm");
  names.head = fields.if_there("output");
  config.tied_embeddings = !names.head;
  if (config.tied_embeddings && fields.file().find("output.bias") != nullptr) names.head.bias = "output.bias";
  names.attention_norm = fields.needed(layer + "attn_norm");
  names.query_key_value = fields.if_there(layer + "attn_qkv");
  if (!names.query_key_value) {
    names.query = fields.needed(layer + "attn_q");
    names.key = fields.needed(layer + "attn_k");
    names.value = fields.needed(layer + "attn_v");
  }
  names.output = fields.needed(layer + "attn_output");
  names.ffn_norm = fields.needed(layer + "ffn_norm");
  names.gate = fields.needed(layer + "ffn_gate");
  names.up = fields.needed(layer + "ffn_up");
  names.down = fields.needed(layer + "ffn_down");
}

void read_gguf_experts(const GgufFields& fields, ModelConfig& config) {
  Experts& experts = config.experts;
  experts.count = fields.whole_or("expert_count", 0, kMostGgufParts, 0);
  if (experts.count == 0) {
    (void)fields.whole_or("expert_used_count", 0, kMostGgufParts, 0);
    return;
  }
  experts.per_token = fields.whole("expert_used_count", 1, experts.count);
  experts.ffn_size = fields.whole_or("expert_feed_forward_length", 1, kLargestGgufSize, config.ffn_size);
  experts.normalised = fields.flag_or("expert_weights_norm", true);
  if (const double scale = fields.positive_or("expert_weights_scale", 1); scale != 1)
    fields.refuse("expert_weights_scale", "a scale on experts' weights is not computed", "1",
                  fmt::format("{}", scale));
  const std::int64_t groups = fields.whole_or("expert_group_count", 0, kMostGgufParts, 0);
  if (groups > 1 && fields.whole_or("expert_group_used_count", 0, kMostGgufParts, 0) < groups)
    fields.refuse("expert_group_count", "choosing groups of experts first is not computed", "at most 1",
                  fmt::format("{}", groups));
  config.tensors.router = fields.if_there("blk.{}.ffn_gate_inp");
  config.tensors.expert_gate = expert_tensor(fields, "ffn_gate");
  config.tensors.expert_up = expert_tensor(fields, "ffn_up");
  config.tensors.expert_down = expert_tensor(fields, "ffn_down");
  for (std::size_t l = 0; l < config.layers.size(); ++l)
    config.layers[l].experts = fields.file().find(fmt::format("blk.{}.ffn_gate_inp.weight", l)) != nullptr;
  if (!config.tensors.router || !config.tensors.expert_gate || !config.tensors.expert_up ||
      !config.tensors.expert_down)
    fields.refuse("expert_count", "layer 0 has no experts",
                  "ffn_gate_inp, ffn_gate_exps, ffn_up_exps, "
                  "ffn_down_exps in every layer that has experts, the first among them",
                  fmt::format("{} experts", experts.count));
}

}  // namespace

std::int64_t GgufFields::whole_or(const std::string& name, std::int64_t least, std::int64_t most,
                                  std::int64_t absent) const {
  const auto value = keys_.whole(key(name));
  if (!value) return absent;
  if (*value < least || *value > most)
    refuse(name, "impossible value", fmt::format("{} to {}", least, most), fmt::format("{}", *value));
  return *value;
}

std::int64_t GgufFields::whole(const std::string& name, std::int64_t least, std::int64_t most) const {
  (void)keys_.required_whole(key(name));
  return whole_or(name, least, most, least);
}

std::int64_t GgufFields::shared_whole_or(const std::string& name, std::int64_t least, std::int64_t most,
                                         std::optional<std::int64_t> absent) const {
  if (!keys_.is_list(key(name)))
    return absent ? whole_or(name, least, most, *absent) : whole(name, least, most);
  const auto values = *keys_.wholes(key(name));
  const bool equal = !values.empty() &&
                     std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  if (!equal || values.front() < least || values.front() > most)
    refuse(name, "sizes that differ between layers are not computed",
           fmt::format("one number, {} to {}", least, most), fmt::format("a list of {}", values.size()));
  return values.front();
}

double GgufFields::positive_or(const std::string& name, double absent) const {
  const auto value = keys_.number(key(name));
  if (!value) return absent;
  if (!(*value > 0)) refuse(name, "impossible value", "a number above 0", fmt::format("{}", *value));
  return *value;
}

double GgufFields::positive(const std::string& name) const {
  (void)keys_.required_number(key(name));
  return positive_or(name, 1);
}

bool GgufFields::flag_or(const std::string& name, bool absent) const {
  return keys_.flag(key(name)).value_or(absent);
}

void GgufFields::refuse(const std::string& name, const std::string& what, const std::string& expected,
                        const std::string& found) const {
  throw InputError({.where = keys_.where(key(name)), .what = what, .expected = expected, .found = found});
}

TensorName GgufFields::needed(const std::string& pattern) const {
  const bool bias = file_.find(of_first_layer(pattern) + ".bias") != nullptr;
  return {.weight = pattern + ".weight", .bias = bias ? pattern + ".bias" : ""};
}

TensorName GgufFields::if_there(const std::string& pattern) const {
  return file_.find(of_first_layer(pattern) + ".weight") == nullptr ? TensorName{} : needed(pattern);
}

void read_gguf_common(const GgufFields& fields, ModelConfig& config) {
  read_gguf_shape(fields, config);
  config.ffn_size = fields.shared_whole_or(
      "feed_forward_length", 1, kLargestGgufSize,
      fields.has("expert_feed_forward_length") ? std::optional(std::int64_t{1}) : std::nullopt);
  read_gguf_norms(fields, config);
  config.score_scale = fields.positive_or("attention.scale", 0);
  name_gguf_tensors(fields, config);
  read_gguf_experts(fields, config);
}

void read_gguf_windows(const GgufFields& fields, ModelConfig& config, std::int64_t absent,
                       const std::function<bool(std::int64_t layer)>& usual) {
  const std::int64_t window = fields.whole_or("attention.sliding_window", 0, kMostGgufPositions, absent);
  const std::string name = "attention.sliding_window_pattern";
  const std::string key = fields.key(name);
  std::function<bool(std::int64_t)> local = usual;
  if (fields.keys().is_list(key)) {
    const auto pattern = *fields.keys().flags(key);
    if (std::ssize(pattern) != config.shape.num_layers)
      fields.refuse(name, "impossible value",
                    fmt::format("one bool for each of {} layers", config.shape.num_layers),
                    fmt::format("{}", pattern.size()));
    local = [pattern](std::int64_t layer) { return bool{pattern[static_cast<std::size_t>(layer)]}; };
  } else if (fields.has(name)) {
    const std::int64_t period = fields.whole(name, 1, kMostGgufParts);
    local = [period](std::int64_t layer) { return (layer + 1) % period != 0; };
  }
  for (std::size_t l = 0; l < config.layers.size(); ++l)
    if (local(static_cast<std::int64_t>(l))) config.layers[l].window = window;
}

}  // namespace toptheta
