// Gemma 1, 2 and 3 (text).
#include <cmath>

#include "model/family.hpp"

namespace toptheta {

std::span<const Family> gemma_families();

namespace {

constexpr std::int64_t kUsualGemmaWindow = 4096;  // used if sliding_window is absent

void describe_common(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config, {.usual_head_dim = 256});
  fields.only("use_bidirectional_attention", false);
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-6);
  config.norms.weight_offset = 1;
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", true);
  const bool bias = fields.flag_or("attention_bias", false);
  config.tensors = llama_tensors({bias, bias, false});
}

// Some files hold the activation under two names, of which versions of transformers follow one or the other.
Activation gemma_activation(const ConfigFields& fields) {
  const std::string usual = "gelu_pytorch_tanh";
  const std::string text = fields.text_or("hidden_act", usual);
  // The first checkpoints say "gelu" and were trained with the approximation.
  const Activation activation =
      text == "gelu" ? Activation::gelu_tanh : read_activation(fields, "hidden_act", usual);
  if (fields.has("hidden_activation") && read_activation(fields, "hidden_activation", usual) != activation)
    fields.refuse("hidden_activation", "contradicts hidden_act, or its default", text);
  return activation;
}

void describe_gemma(const ConfigFields& fields, ModelConfig& config) {
  describe_common(fields, config);
  config.ffn.activation = gemma_activation(fields);
  read_ropes(fields, config);
}

// What Gemma 2 and 3 have in common.
void describe_later(const ConfigFields& fields, ModelConfig& config) {
  describe_common(fields, config);
  config.ffn.activation = read_activation(fields, "hidden_activation", "gelu_pytorch_tanh");
  config.score_scale = 1 / std::sqrt(fields.positive_or("query_pre_attn_scalar", 256));
  TensorNames& tensors = config.tensors;
  tensors.attention_post_norm = named("model.layers.{}.post_attention_layernorm");
  tensors.ffn_norm = named("model.layers.{}.pre_feedforward_layernorm");
  tensors.ffn_post_norm = named("model.layers.{}.post_feedforward_layernorm");
}

double read_cap(const ConfigFields& fields, const std::string& name, double absent) {
  return fields.positive_or(name, fields.is_null(name) ? 0 : absent);
}

void describe_gemma2(const ConfigFields& fields, ModelConfig& config) {
  describe_later(fields, config);
  config.score_cap = read_cap(fields, "attn_logit_softcapping", 50);
  config.logit_cap = read_cap(fields, "final_logit_softcapping", 30);
  read_windows(fields, config, read_window(fields, kUsualGemmaWindow),
               [](std::int64_t layer) { return layer % 2 == 0; });
  read_ropes(fields, config);
}

void describe_gemma3(const ConfigFields& fields, ModelConfig& config) {
  describe_later(fields, config);
  config.logit_cap = read_cap(fields, "final_logit_softcapping", 0);
  config.query_key_norm = QueryKeyNorm::per_head;
  config.tensors.query_norm = named("model.layers.{}.self_attn.q_norm");
  config.tensors.key_norm = named("model.layers.{}.self_attn.k_norm");
  const std::int64_t saved = fields.integer_or("_sliding_window_pattern", 1, 1 << 16, 6);
  const std::int64_t pattern = fields.integer_or("sliding_window_pattern", 1, 1 << 16, saved);
  read_windows(fields, config, read_window(fields, kUsualGemmaWindow),
               [=](std::int64_t layer) { return (layer + 1) % pattern != 0; });
  read_ropes(fields, config,
             {.theta = 1e6, .local_theta = 10000, .local_theta_field = "rope_local_base_freq"});
}

constexpr Family kGemmaFamilies[] = {
    {"GemmaForCausalLM", "gemma", describe_gemma},
    {"Gemma2ForCausalLM", "gemma2", describe_gemma2},
    {"Gemma3ForCausalLM", "gemma3_text", describe_gemma3},
};

}  // namespace

std::span<const Family> gemma_families() {
  return kGemmaFamilies;
}

}  // namespace toptheta
