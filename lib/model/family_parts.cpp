#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "model/family.hpp"

namespace toptheta {

namespace {

// Bounds that are far above any real model, yet keep every product of two sizes far from overflow.
constexpr std::int64_t kMaxSize = std::int64_t{1} << 24;
constexpr std::int64_t kMaxCount = std::int64_t{1} << 16;
constexpr std::int64_t kMaxToken = std::numeric_limits<std::int32_t>::max();

ModelShape read_shape(const ConfigFields& fields, std::int64_t hidden_size, const SizeFields& names) {
  ModelShape shape;
  shape.num_layers = fields.integer(names.layers, 1, kMaxCount);
  shape.num_heads = fields.integer(names.heads, 1, kMaxCount);
  shape.num_kv_heads = shape.num_heads;
  if (!names.kv_heads.empty())
    shape.num_kv_heads = fields.integer_or(names.kv_heads, 1, kMaxCount, shape.num_heads);
  if (shape.num_heads % shape.num_kv_heads != 0)
    fields.fail(names.kv_heads, "impossible value",
                fmt::format("a divisor of {}, {}", names.heads, shape.num_heads),
                fmt::format("{}", shape.num_kv_heads));
  if (!names.head_dim.empty() && fields.has(names.head_dim)) {
    shape.head_dim = fields.integer(names.head_dim, 1, kMaxCount);
  } else if (names.usual_head_dim) {
    shape.head_dim = *names.usual_head_dim;
  } else {
    if (hidden_size % shape.num_heads != 0)
      fields.fail(names.hidden, "impossible value",
                  fmt::format("a multiple of {}, {}, or a head_dim", names.heads, shape.num_heads),
                  fmt::format("{}", hidden_size));
    shape.head_dim = hidden_size / shape.num_heads;
  }
  return shape;
}

}  // namespace

void read_sizes(const ConfigFields& fields, ModelConfig& config, const SizeFields& names) {
  config.hidden_size = fields.integer(names.hidden, 1, kMaxSize);
  if (!names.ffn.empty()) config.ffn_size = fields.integer(names.ffn, 1, kMaxSize);
  config.vocab_size = fields.integer("vocab_size", 1, kMaxToken);
  config.context = fields.integer(names.context, 1, kMaxToken);
  config.shape = read_shape(fields, config.hidden_size, names);
  config.layers.assign(static_cast<std::size_t>(config.shape.num_layers), LayerKind{});
}

Activation read_activation(const ConfigFields& fields, const std::string& name, const std::string& absent) {
  const std::string text = fields.text_or(name, absent);
  const std::pair<const char*, Activation> known[] = {{"silu", Activation::silu},
                                                      {"swish", Activation::silu},
                                                      {"gelu", Activation::gelu_erf},
                                                      {"gelu_python", Activation::gelu_erf},
                                                      {"gelu_new", Activation::gelu_tanh},
                                                      {"gelu_pytorch_tanh", Activation::gelu_tanh},
                                                      {"gelu_fast", Activation::gelu_tanh},
                                                      {"gelu_python_tanh", Activation::gelu_tanh},
                                                      {"gelu_accurate", Activation::gelu_tanh},
                                                      {"relu", Activation::relu},
                                                      {"relu2", Activation::relu_squared}};
  for (const auto& [other, activation] : known)
    if (text == other) return activation;
  fields.fail(name, "this activation is not computed",
              "silu, gelu, gelu_new, gelu_pytorch_tanh, relu or relu2", text);
}

std::int64_t read_window(const ConfigFields& fields, std::int64_t absent) {
  return fields.integer_or("sliding_window", 1, kMaxToken, fields.is_null("sliding_window") ? 0 : absent);
}

namespace {

// Whether layer_types gives each layer a window; empty where there is no such list.
std::vector<bool> windowed_layers(const ConfigFields& fields, const ModelConfig& config) {
  const std::vector<std::string> types = fields.texts("layer_types");
  if (fields.has("layer_types") && types.size() != config.layers.size())
    fields.fail("layer_types", "impossible value",
                fmt::format("as many entries as layers, {}", config.layers.size()),
                fmt::format("{}", types.size()));
  std::vector<bool> windowed;
  for (const std::string& type : types) {
    if (type != "full_attention" && type != "sliding_attention")
      fields.fail("layer_types", "this kind of attention is not computed",
                  "full_attention or sliding_attention", type);
    windowed.push_back(type == "sliding_attention");
  }
  return windowed;
}

}  // namespace

void read_windows(const ConfigFields& fields, ModelConfig& config, std::int64_t window,
                  const std::function<bool(std::int64_t layer)>& usual) {
  const std::vector<bool> windowed = windowed_layers(fields, config);
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    if (!(windowed.empty() ? usual(static_cast<std::int64_t>(l)) : windowed[l])) continue;
    if (window == 0 && !windowed.empty())
      fields.refuse("sliding_window", "missing field", "the window of layer_types' sliding_attention");
    config.layers[l].window = window;
  }
}

void give_window(const ConfigFields& fields, ModelConfig& config, std::int64_t window) {
  for (LayerKind& layer : config.layers)
    layer.window = window;
  for (const bool windowed : windowed_layers(fields, config))
    if (windowed != (window > 0)) {
      config.unused.push_back(fields.where("layer_types"));
      return;
    }
}

void read_experts(const ConfigFields& fields, ModelConfig& config,
                  const std::vector<std::string>& count_fields, const std::string& ffn_field,
                  bool normalised) {
  Experts& experts = config.experts;
  for (const std::string& name : count_fields) {
    if (!fields.has(name)) continue;
    const std::int64_t count = fields.integer(name, 1, kMaxCount);
    if (experts.count != 0 && experts.count != count)
      fields.fail(name, "two numbers of experts", fmt::format("{}", experts.count), fmt::format("{}", count));
    experts.count = count;
  }
  if (experts.count == 0)
    fields.fail(count_fields.front(), "missing field", "the number of experts", "nothing");
  experts.per_token = fields.integer("num_experts_per_tok", 1, experts.count);
  experts.ffn_size = fields.integer(ffn_field, 1, kMaxSize);
  experts.normalised = normalised;
}

TensorName named(const std::string& name, bool bias) {
  return {name + ".weight", bias ? name + ".bias" : ""};
}

TensorNames llama_tensors(const LlamaBiases& biases) {
  const std::string layer = "model.layers.{}.";
  return {.prefix = "model.",
          .embedding = "model.embed_tokens.weight",
          .final_norm = named("model.norm"),
          .head = named("lm_head"),
          .attention_norm = named(layer + "input_layernorm"),
          .query = named(layer + "self_attn.q_proj", biases.qkv),
          .key = named(layer + "self_attn.k_proj", biases.qkv),
          .value = named(layer + "self_attn.v_proj", biases.qkv),
          .output = named(layer + "self_attn.o_proj", biases.output),
          .ffn_norm = named(layer + "post_attention_layernorm"),
          .gate = named(layer + "mlp.gate_proj", biases.ffn),
          .up = named(layer + "mlp.up_proj", biases.ffn),
          .down = named(layer + "mlp.down_proj", biases.ffn),
          .weightless = {"rotary_emb.inv_freq"}};
}

}  // namespace toptheta
