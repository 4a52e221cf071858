// OLMo 2 and 3: norms only after attention and feed-forward part, and over whole projections of queries and
// keys.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> olmo2_families();

namespace {

void describe_parts(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config);
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-5);
  config.ffn.activation = read_activation(fields, "hidden_act", "silu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  config.query_key_norm = QueryKeyNorm::whole;
  const bool bias = fields.flag_or("attention_bias", false);
  TensorNames& tensors = config.tensors;
  tensors = llama_tensors({bias, bias, false});
  tensors.attention_norm = {};
  tensors.attention_post_norm = tensors.ffn_norm;
  tensors.ffn_norm = {};
  tensors.ffn_post_norm = named("model.layers.{}.post_feedforward_layernorm");
  tensors.query_norm = named("model.layers.{}.self_attn.q_norm");
  tensors.key_norm = named("model.layers.{}.self_attn.k_norm");
}

void describe_olmo2(const ConfigFields& fields, ModelConfig& config) {
  describe_parts(fields, config);
  read_ropes(fields, config);
}

void describe_olmo3(const ConfigFields& fields, ModelConfig& config) {
  describe_parts(fields, config);
  read_windows(fields, config, read_window(fields, 4096),
               [](std::int64_t layer) { return (layer + 1) % 4 != 0; });
  // Only layers without a window are scaled to longer contexts.
  constexpr double kTheta = 500000;
  read_ropes(fields, config, {.theta = kTheta, .local_theta = fields.positive_or("rope_theta", kTheta)});
}

constexpr Family kOlmo2Families[] = {
    {"Olmo2ForCausalLM", "olmo2", describe_olmo2},
    {"Olmo3ForCausalLM", "olmo3", describe_olmo3},
};

}  // namespace

std::span<const Family> olmo2_families() {
  return kOlmo2Families;
}

}  // namespace toptheta
