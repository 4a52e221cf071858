// gpt-oss: experts with a clamped activation, sinks, biases everywhere, and a window in every other layer.
#include "model/family.hpp"

namespace toptheta {

std::span<const Family> gptoss_families();

namespace {

// The rotary embedding that transformers uses if the configuration does not mention one.
Rope usual_rope(const ModelConfig& config, double theta) {
  Rope rope{.dims = config.shape.head_dim, .theta = theta};
  rope.scaling = {.kind = RopeScaling::Kind::yarn,
                  .factor = 32,
                  .original_context = 4096,
                  .truncate = false,
                  .attention_factor = 1.3465735902799727};  // 0.1 ln(32) + 1
  return rope;
}

void describe_gptoss(const ConfigFields& fields, ModelConfig& config) {
  read_sizes(fields, config, {.usual_head_dim = 64});
  config.norms.eps = fields.positive_or("rms_norm_eps", 1e-5);
  fields.ignore("hidden_act");  // the experts have an activation of their own
  fields.ignore("experts_per_token");
  config.ffn = {.activation = Activation::clamped_swish,
                .alpha = static_cast<float>(fields.positive_or("swiglu_alpha", 1.702)),
                .limit = static_cast<float>(fields.positive_or("swiglu_limit", 7))};
  config.tied_embeddings = fields.flag_or("tie_word_embeddings", false);
  read_windows(fields, config, read_window(fields, 128), [](std::int64_t layer) { return layer % 2 == 0; });
  fields.ignore("initial_context_length");
  constexpr double kTheta = 150000;
  if (fields.has("rope_scaling") || fields.has("rope_parameters"))
    read_ropes(fields, config, {.theta = kTheta});
  else
    config.ropes = {usual_rope(config, fields.positive_or("rope_theta", kTheta))};
  read_experts(fields, config, {"num_local_experts", "num_experts"}, "intermediate_size", true);
  for (LayerKind& layer : config.layers)
    layer.experts = true;
  const bool bias = fields.flag_or("attention_bias", true);
  const std::string mlp = "model.layers.{}.mlp.";
  TensorNames& tensors = config.tensors;
  tensors = llama_tensors({bias, bias, false});
  tensors.sinks = "model.layers.{}.self_attn.sinks";
  tensors.gate = tensors.up = tensors.down = {};
  tensors.router = named(mlp + "router", true);
  tensors.expert_gate_up = {mlp + "experts.gate_up_proj", mlp + "experts.gate_up_proj_bias"};
  tensors.expert_down = {mlp + "experts.down_proj", mlp + "experts.down_proj_bias"};
  config.layout.gate_up = TensorLayout::Fused::grouped;
  config.layout.experts_transposed = true;
}

constexpr Family kGptossFamilies[] = {{"GptOssForCausalLM", "gpt_oss", describe_gptoss}};

}  // namespace

std::span<const Family> gptoss_families() {
  return kGptossFamilies;
}

}  // namespace toptheta
