// StableLM 2: LayerNorm around LLaMA's parts, a quarter of each head rotated, some of them in parallel
// blocks.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> stablelm_families();

namespace {

void describe_stablelm(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms = {.kind = Norms::Kind::layer, .eps = fields.positive_or("layer_norm_eps", 1e-5)};
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  // Norms with separate weights for each head, as in StableLM 2 12B, are not implemented.
  fields.only("qk_layernorm", false);
  read_ropes(fields, config, {.part = 0.25});
  TensorNames& tensors = config.tensors;
  tensors = llama_tensors({.qkv = fields.flag_or("use_qkv_bias", false)});
  const std::string layer = "model.layers.{}.";
  tensors.final_norm = named("model.norm", true);
  tensors.attention_norm = named(layer + "input_layernorm", true);
  if (fields.flag_or("use_parallel_residual", false)) {
    config.block = Block::parallel;
    tensors.ffn_norm = {};
  } else {
    tensors.ffn_norm = named(layer + "post_attention_layernorm", true);
  }
}

constexpr Family kStablelmFamilies[] = {{"StableLmForCausalLM", "stablelm", describe_stablelm}};

}  // namespace

std::span<const Family> stablelm_families() {
  return kStablelmFamilies;
}

}  // namespace toptheta
