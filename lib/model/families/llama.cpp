// LLaMA and models of the same parts: Mistral, Granite, SmolLM3.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> llama_families();

namespace {

void describe_parts_of_llama(const ConfigFields& fields, ModelConfig& config, const RopeFields& rope) {
  read_sizes(fields, config);
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-6);
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  read_ropes(fields, config, rope);
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  const bool bias = fields.flag_or("attention_bias", false);
  config.tensors = llama_tensors({bias, bias, fields.flag_or("mlp_bias", false)});
}

void describe_llama(const ConfigFields& fields, ModelConfig& config) {
  describe_parts_of_llama(fields, config, {});
}

void describe_mistral(const ConfigFields& fields, ModelConfig& config) {
  describe_llama(fields, config);
  give_window(fields, config, read_window(fields, 4096));
}

void describe_granite(const ConfigFields& fields, ModelConfig& config) {
  describe_llama(fields, config);
  config.embedding_scale = fields.positive_or("embedding_multiplier", 1);
  config.residual_scale = fields.positive_or("residual_multiplier", 1);
  config.score_scale = fields.positive_or("attention_multiplier", 1);
  config.logit_scale = 1 / fields.positive_or("logits_scaling", 1);
}

void describe_smollm3(const ConfigFields& fields, ModelConfig& config) {
  describe_parts_of_llama(fields, config, {.theta = 2e6});
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", true);
  const std::vector<std::int64_t> has_rope = fields.integers("no_rope_layers", 0, 1);
  const std::int64_t interval = fields.integer_or("no_rope_layer_interval", 1, 1 << 16, 4);
  if (!has_rope.empty() && has_rope.size() < config.layers.size())
    fields.refuse("no_rope_layers", "impossible value", "a number for each layer");
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    const bool rotates =
        has_rope.empty() ? (static_cast<std::int64_t>(l) + 1) % interval != 0 : has_rope[l] != 0;
    if (!rotates) config.layers[l].rope = -1;
  }
  const std::int64_t window = fields.flag_or("use_sliding_window", false) ? read_window(fields, 0) : 0;
  fields.ignore("sliding_window");  // turned off unless use_sliding_window is true
  const std::vector<LayerKind> layers = config.layers;
  read_windows(fields, config, window,
               [&](std::int64_t layer) { return layers[static_cast<std::size_t>(layer)].rope < 0; });
}

constexpr Family kLlamaFamilies[] = {
    {"LlamaForCausalLM", "llama", describe_llama},
    {"MistralForCausalLM", "mistral", describe_mistral},
    {"GraniteForCausalLM", "granite", describe_granite},
    {"SmolLM3ForCausalLM", "smollm3", describe_smollm3},
};

}  // namespace

std::span<const Family> llama_families() {
  return kLlamaFamilies;
}

}  // namespace toptheta
