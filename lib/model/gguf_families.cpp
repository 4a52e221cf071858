// What the architectures of GGUF files compute, one function each. Where a file leaves something to the
// program, these follow llama.cpp.
#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "model/gguf_fields.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kNoWindow = 0;

bool every_layer(std::int64_t /*layer*/) {
  return true;
}

void one_rope(const GgufFields& fields, ModelConfig& config) {
  config.ropes = {read_gguf_rope(fields, config)};
}

// LLaMA, Mistral, SmolLM2 and (with experts) Mixtral.
void describe_llama_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.layout.rotary_pairs = true;
  read_gguf_windows(fields, config, kNoWindow, every_layer);
}

void describe_granite_gguf(const GgufFields& fields, ModelConfig& config) {
  describe_llama_gguf(fields, config);
  config.embedding_scale = fields.positive_or("embedding_scale", 1);
  config.residual_scale = fields.positive_or("residual_scale", 1);
  config.logit_scale = 1 / fields.positive_or("logit_scale", 1);
}

void describe_qwen2_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
}

void norm_each_head(const GgufFields& fields, ModelConfig& config) {
  config.query_key_norm = QueryKeyNorm::per_head;
  config.tensors.query_norm = fields.needed("blk.{}.attn_q_norm");
  config.tensors.key_norm = fields.needed("blk.{}.attn_k_norm");
}

// Qwen 3, with or without experts.
void describe_qwen3_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  norm_each_head(fields, config);
}

// The norms' weights need no offset, because the converter has already turned w into 1 + w.
void describe_gemma_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.ffn.activation = Activation::gelu_tanh;
  config.embedding_scale = std::sqrt(static_cast<double>(config.hidden_size));
}

// llama.cpp recognises the largest model of a generation by its number of layers, and scales its scores by
// hidden / heads instead of the head's width.
void scale_gemma_scores(ModelConfig& config, std::int64_t layers_of_27b) {
  if (config.score_scale != 0 || config.shape.num_layers != layers_of_27b) return;
  const auto width = static_cast<double>(config.hidden_size) / static_cast<double>(config.shape.num_heads);
  config.score_scale = 1 / std::sqrt(width);
}

void norm_after(const GgufFields& fields, ModelConfig& config) {
  config.tensors.attention_post_norm = fields.needed("blk.{}.post_attention_norm");
  config.tensors.ffn_post_norm = fields.needed("blk.{}.post_ffw_norm");
}

void describe_gemma2_gguf(const GgufFields& fields, ModelConfig& config) {
  describe_gemma_gguf(fields, config);
  norm_after(fields, config);
  scale_gemma_scores(config, 46);
  config.score_cap = fields.positive_or("attn_logit_softcapping", 50);
  config.logit_cap = fields.positive_or("final_logit_softcapping", 30);
  read_gguf_windows(fields, config, 4096, [](std::int64_t layer) { return layer % 2 == 0; });
}

// Gives layers with a window their own rotary embedding, which is not scaled.
void local_rope(ModelConfig& config, double theta) {
  config.ropes.push_back({.dims = config.ropes.front().dims, .theta = theta});
  for (LayerKind& layer : config.layers)
    if (layer.window > 0) layer.rope = 1;
}

void describe_gemma3_gguf(const GgufFields& fields, ModelConfig& config) {
  describe_gemma_gguf(fields, config);
  norm_each_head(fields, config);
  norm_after(fields, config);
  scale_gemma_scores(config, 62);
  if (fields.has("final_logit_softcapping")) config.logit_cap = fields.positive("final_logit_softcapping");
  read_gguf_windows(fields, config, kNoWindow, [](std::int64_t layer) { return (layer + 1) % 6 != 0; });
  local_rope(config, fields.positive_or("rope.freq_base_swa", 10000));
}

void plain_ffn(ModelConfig& config, Activation activation) {
  config.ffn.activation = activation;
  config.tensors.gate = {};
}

void describe_phi2_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.block = Block::parallel;
  config.tensors.ffn_norm = {};  // a single norm serves both halves
  plain_ffn(config, Activation::gelu_tanh);
}

void describe_phi3_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.tensors.gate_up = config.tensors.up;
  config.tensors.gate = config.tensors.up = {};
  read_gguf_windows(fields, config, kNoWindow, every_layer);
}

void describe_gpt2_gguf(const GgufFields& fields, ModelConfig& config) {
  (void)fields;
  config.tensors.positions = "position_embd.weight";
  for (LayerKind& layer : config.layers)
    layer.rope = -1;
  plain_ffn(config, Activation::gelu_tanh);
}

void describe_gptneox_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.block = fields.flag_or("use_parallel_residual", true) ? Block::parallel : Block::sequential;
  plain_ffn(config, Activation::gelu_erf);
}

// OLMo 2; with a window, OLMo 3.
void describe_olmo2_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.query_key_norm = QueryKeyNorm::whole;
  config.tensors.query_norm = fields.needed("blk.{}.attn_q_norm");
  config.tensors.key_norm = fields.needed("blk.{}.attn_k_norm");
  config.tensors.attention_norm = config.tensors.ffn_norm = {};
  norm_after(fields, config);
  read_gguf_windows(fields, config, kNoWindow, [](std::int64_t layer) { return (layer + 1) % 4 != 0; });
  if (fields.has("attention.sliding_window")) local_rope(config, config.ropes.front().theta);
}

void describe_gpt_oss_gguf(const GgufFields& fields, ModelConfig& config) {
  one_rope(fields, config);
  config.ffn.activation = Activation::clamped_swish;
  config.tensors.sinks = "blk.{}.attn_sinks.weight";
  config.tensors.ffn_norm = fields.needed("blk.{}.post_attention_norm");
  read_gguf_windows(fields, config, kNoWindow, [](std::int64_t layer) { return layer % 2 == 0; });
}

struct GgufFamily {
  const char* name;  // general.architecture
  void (*describe)(const GgufFields& fields, ModelConfig& config);
};

constexpr GgufFamily kGgufFamilies[] = {
    {"llama", describe_llama_gguf},   {"granite", describe_granite_gguf}, {"qwen2", describe_qwen2_gguf},
    {"qwen3", describe_qwen3_gguf},   {"qwen3moe", describe_qwen3_gguf},  {"gemma", describe_gemma_gguf},
    {"gemma2", describe_gemma2_gguf}, {"gemma3", describe_gemma3_gguf},   {"phi2", describe_phi2_gguf},
    {"phi3", describe_phi3_gguf},     {"gpt2", describe_gpt2_gguf},       {"gptneox", describe_gptneox_gguf},
    {"olmo2", describe_olmo2_gguf},   {"gpt-oss", describe_gpt_oss_gguf}};

std::string known_gguf_families() {
  std::string names;
  for (const GgufFamily& family : kGgufFamilies)
    names += (names.empty() ? "" : ", ") + std::string(family.name);
  return names;
}

// RMS norms have no bias: one that a file holds is left to be refused or named as a tensor that nothing uses.
void leave_out_norm_biases(ModelConfig& config) {
  if (config.norms.kind != Norms::Kind::rms) return;
  TensorNames& names = config.tensors;
  for (TensorName* norm : {&names.final_norm, &names.attention_norm, &names.attention_post_norm,
                           &names.ffn_norm, &names.ffn_post_norm, &names.query_norm, &names.key_norm})
    norm->bias.clear();
}

}  // namespace

void describe_gguf(const GgufFields& fields, ModelConfig& config) {
  for (const GgufFamily& family : kGgufFamilies) {
    if (fields.architecture() != family.name) continue;
    read_gguf_common(fields, config);
    family.describe(fields, config);
    return leave_out_norm_biases(config);
  }
  throw InputError({.where = fields.keys().where("general.architecture"),
                    .what = "this architecture is not computed",
                    .expected = "one of " + known_gguf_families(),
                    .found = fields.architecture()});
}

}  // namespace toptheta
