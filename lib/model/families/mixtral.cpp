// Mixtral: Mistral with experts.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> mixtral_families();

namespace {

void describe_mixtral(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-5);
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  give_window(fields, config, read_window(fields, 0));
  read_ropes(fields, config, {.theta = 1e6});
  read_experts(fields, config, {"num_local_experts", "num_experts"}, "intermediate_size", true);
  for (LayerKind& layer : config.layers)
    layer.experts = true;
  const std::string block = "model.layers.{}.block_sparse_moe.";
  config.tensors = llama_tensors();
  config.tensors.router = named(block + "gate");
  config.tensors.expert_gate = named(block + "experts.{}.w1");
  config.tensors.expert_up = named(block + "experts.{}.w3");
  config.tensors.expert_down = named(block + "experts.{}.w2");
}

constexpr Family kMixtralFamilies[] = {{"MixtralForCausalLM", "mixtral", describe_mixtral}};

}  // namespace

std::span<const Family> mixtral_families() {
  return kMixtralFamilies;
}

}  // namespace toptheta
