// GPT-2: learned positions, transposed weights.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> gpt2_families();

namespace {

void describe_gpt2(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config,
             {.hidden = "n_embd",
              .ffn = "",
              .layers = "n_layer",
              .heads = "n_head",
              .kv_heads = "",
              .head_dim = "",
              .context = "n_positions"});
  config.ffn_size = fields.integer_or("n_inner", 1, 1 << 24, 4 * config.hidden_size);
  config.norms = {.kind = Norms::Kind::layer, .eps = fields.positive_or("layer_norm_epsilon", 1e-5)};
  config.ffn.activation = read_activation(fields, "activation_function", "gelu_new");
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", true);
  fields.only("add_cross_attention", false);
  if (!fields.flag_or("scale_attn_weights", true)) config.score_scale = 1;
  const bool by_layer = fields.flag_or("scale_attn_by_inverse_layer_idx", false);
  for (std::size_t l = 0; l < config.layers.size(); ++l) {
    config.layers[l].rope = -1;
    if (by_layer) config.layers[l].score_factor = 1 / static_cast<double>(l + 1);
  }
  const std::string layer = "transformer.h.{}.";
  config.tensors = {.prefix = "transformer.",
                    .embedding = "transformer.wte.weight",
                    .positions = "transformer.wpe.weight",
                    .final_norm = named("transformer.ln_f", true),
                    .head = named("lm_head"),
                    .attention_norm = named(layer + "ln_1", true),
                    .query_key_value = named(layer + "attn.c_attn", true),
                    .output = named(layer + "attn.c_proj", true),
                    .ffn_norm = named(layer + "ln_2", true),
                    .up = named(layer + "mlp.c_fc", true),
                    .down = named(layer + "mlp.c_proj", true),
                    .weightless = {"attn.bias", "attn.masked_bias"}};
  config.layout.transposed = true;
}

constexpr Family kGpt2Families[] = {{"GPT2LMHeadModel", "gpt2", describe_gpt2}};

}  // namespace

std::span<const Family> gpt2_families() {
  return kGpt2Families;
}

}  // namespace toptheta
