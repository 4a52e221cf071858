// Nemotron and Minitron: LayerNorm with factors 1 + w of which checkpoints store w, half of each head
// rotated, and a plain feed-forward part with squared ReLU.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> nemotron_families();

namespace {

void describe_nemotron(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms = {
      .kind = Norms::Kind::layer, .eps = fields.positive_or("norm_eps", 1e-5), .weight_offset = 1};
  config.ffn.activation = read_activation(fields, "hidden_act", "relu2");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  read_ropes(fields, config, {.part = 0.5});
  const bool attention_bias = fields.flag_or("attention_bias", false);
  const bool ffn_bias = fields.flag_or("mlp_bias", false);
  const std::string layer = "model.layers.{}.";
  TensorNames& tensors = config.tensors;
  tensors = llama_tensors({attention_bias, attention_bias, ffn_bias});
  tensors.final_norm = named("model.norm", true);
  tensors.attention_norm = named(layer + "input_layernorm", true);
  tensors.ffn_norm = named(layer + "post_attention_layernorm", true);
  tensors.gate = {};
}

constexpr Family kNemotronFamilies[] = {{"NemotronForCausalLM", "nemotron", describe_nemotron}};

}  // namespace

std::span<const Family> nemotron_families() {
  return kNemotronFamilies;
}

}  // namespace toptheta
