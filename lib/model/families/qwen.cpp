// Qwen 2, 2.5 and 3, and Qwen 3 with experts.
#include <algorithm>

#include "model/family.hpp"

namespace toptheta {

std::span<const Family> qwen_families();

namespace {

// The window, or 0 if use_sliding_window turns it off.
std::int64_t qwen_window(const ConfigFields& fields) {
  const std::int64_t window = read_window(fields, 4096);
  return fields.flag_or("use_sliding_window", false) ? window : 0;
}

void describe_both(const ConfigFields& fields, ModelConfig& config) {
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-6);
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  const std::int64_t first = fields.integer_or("max_window_layers", 0, 1 << 16, 28);
  read_windows(fields, config, qwen_window(fields), [=](std::int64_t layer) { return layer >= first; });
  read_ropes(fields, config);
}

void describe_qwen2(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  describe_both(fields, config);
  config.tensors = llama_tensors({.qkv = true});
}

void norm_heads(ModelConfig& config) {
  config.query_key_norm = QueryKeyNorm::per_head;
  config.tensors.query_norm = named("model.layers.{}.self_attn.q_norm");
  config.tensors.key_norm = named("model.layers.{}.self_attn.k_norm");
}

void describe_qwen3(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config, {.usual_head_dim = 128});
  describe_both(fields, config);
  const bool bias = fields.flag_or("attention_bias", false);
  config.tensors = llama_tensors({bias, bias, false});
  norm_heads(config);
}

void describe_qwen3_moe(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-6);
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  fields.ignore("max_window_layers");  // the window is on all layers or on none
  give_window(fields, config, qwen_window(fields));
  read_ropes(fields, config);
  const bool bias = fields.flag_or("attention_bias", false);
  config.tensors = llama_tensors({bias, bias, false});
  norm_heads(config);
  read_experts(fields, config, {"num_experts", "num_local_experts"}, "moe_intermediate_size",
               fields.flag_or("norm_topk_prob", false));
  const std::int64_t step = fields.integer_or("decoder_sparse_step", 1, 1 << 16, 1);
  const std::vector<std::int64_t> dense = fields.integers("mlp_only_layers", 0, 1 << 16);
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    const auto layer = static_cast<std::int64_t>(l);
    const bool is_dense = std::find(dense.begin(), dense.end(), layer) != dense.end();
    config.layers[l].experts = !is_dense && (layer + 1) % step == 0;
  }
  config.tensors.router = named("model.layers.{}.mlp.gate");
  config.tensors.expert_gate = named("model.layers.{}.mlp.experts.{}.gate_proj");
  config.tensors.expert_up = named("model.layers.{}.mlp.experts.{}.up_proj");
  config.tensors.expert_down = named("model.layers.{}.mlp.experts.{}.down_proj");
}

constexpr Family kQwenFamilies[] = {
    {"Qwen2ForCausalLM", "qwen2", describe_qwen2},
    {"Qwen3ForCausalLM", "qwen3", describe_qwen3},
    {"Qwen3MoeForCausalLM", "qwen3_moe", describe_qwen3_moe},
};

}  // namespace

std::span<const Family> qwen_families() {
  return kQwenFamilies;
}

}  // namespace toptheta
