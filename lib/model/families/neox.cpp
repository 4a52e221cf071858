// GPT-NeoX and Pythia.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> neox_families();

namespace {

void describe_neox(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config, {.kv_heads = "", .head_dim = ""});
  config.norms = {.kind = Norms::Kind::layer, .eps = fields.positive_or("layer_norm_eps", 1e-5)};
  config.block = fields.flag_or("use_parallel_residual", true) ? Block::parallel : Block::sequential;
  config.ffn.activation = read_activation(fields, "hidden_act", "gelu");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  RopeFields rope{.part = 0.25, .part_field = "rotary_pct"};
  if (fields.has("rotary_emb_base")) {
    // This is the older name of rope_theta. Some versions write both.
    rope.theta = fields.positive("rotary_emb_base");
    if (fields.has("rope_theta") && fields.positive("rope_theta") != rope.theta)
      fields.refuse("rope_theta", "contradicts rotary_emb_base", "the same base");
  }
  read_ropes(fields, config, rope);
  const bool bias = fields.flag_or("attention_bias", true);
  const std::string layer = "gpt_neox.layers.{}.";
  config.tensors = {.prefix = "gpt_neox.",
                    .embedding = "gpt_neox.embed_in.weight",
                    .final_norm = named("gpt_neox.final_layer_norm", true),
                    .head = named("embed_out"),
                    .attention_norm = named(layer + "input_layernorm", true),
                    .query_key_value = named(layer + "attention.query_key_value", bias),
                    .output = named(layer + "attention.dense", bias),
                    .ffn_norm = named(layer + "post_attention_layernorm", true),
                    .up = named(layer + "mlp.dense_h_to_4h", true),
                    .down = named(layer + "mlp.dense_4h_to_h", true),
                    .weightless = {"attention.bias", "attention.masked_bias", "rotary_emb.inv_freq"}};
  config.layout.query_key_value = TensorLayout::Fused::grouped;
}

constexpr Family kNeoxFamilies[] = {{"GPTNeoXForCausalLM", "gpt_neox", describe_neox}};

}  // namespace

std::span<const Family> neox_families() {
  return kNeoxFamilies;
}

}  // namespace toptheta
