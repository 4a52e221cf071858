// Phi 1, 1.5 and 2 (parallel blocks with one norm), and Phi 3.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> phi_families();

namespace {

void describe_phi(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms = {.kind = Norms::Kind::layer, .eps = fields.positive_or("layer_norm_eps", 1e-5)};
  config.block = Block::parallel;
  config.ffn.activation = read_activation(fields, "hidden_act", "gelu_new");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  read_ropes(fields, config, {.part = 0.5});
  const std::string layer = "model.layers.{}.";
  TensorNames& tensors = config.tensors;
  tensors = llama_tensors({.qkv = true});
  tensors.final_norm = named("model.final_layernorm", true);
  tensors.head = named("lm_head", true);
  tensors.attention_norm = named(layer + "input_layernorm", true);
  tensors.output = named(layer + "self_attn.dense", true);
  tensors.ffn_norm = {};
  tensors.gate = {};
  tensors.up = named(layer + "mlp.fc1", true);
  tensors.down = named(layer + "mlp.fc2", true);
  if (!fields.flag_or("qk_layernorm", false)) return;
  config.query_key_norm = QueryKeyNorm::per_head;
  tensors.query_norm = named(layer + "self_attn.q_layernorm", true);
  tensors.key_norm = named(layer + "self_attn.k_layernorm", true);
}

void describe_phi3(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-5);
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  fields.only("attention_bias", false);
  give_window(fields, config, read_window(fields, 0));
  read_ropes(fields, config, {.calls_longrope_yarn = true});
  fields.ignore("original_max_position_embeddings");  // has no meaning without a scaling
  TensorNames& tensors = config.tensors;
  tensors = llama_tensors();
  tensors.query = tensors.key = tensors.value = {};
  tensors.query_key_value = named("model.layers.{}.self_attn.qkv_proj");
  tensors.gate = tensors.up = {};
  tensors.gate_up = named("model.layers.{}.mlp.gate_up_proj");
}

constexpr Family kPhiFamilies[] = {
    {"PhiForCausalLM", "phi", describe_phi},
    {"Phi3ForCausalLM", "phi3", describe_phi3},
};

}  // namespace

std::span<const Family> phi_families() {
  return kPhiFamilies;
}

}  // namespace toptheta
