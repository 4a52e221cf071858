#include "model/architecture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace toptheta {

namespace {

constexpr TensorNames kLlamaTensors = {
    .embedding = "model.embed_tokens",
    .final_norm = "model.norm",
    .head = "lm_head",
    .attention_norm = "model.layers.{}.input_layernorm",
    .query = "model.layers.{}.self_attn.q_proj",
    .key = "model.layers.{}.self_attn.k_proj",
    .value = "model.layers.{}.self_attn.v_proj",
    .output = "model.layers.{}.self_attn.o_proj",
    .ffn_norm = "model.layers.{}.post_attention_layernorm",
    .gate = "model.layers.{}.mlp.gate_proj",
    .up = "model.layers.{}.mlp.up_proj",
    .down = "model.layers.{}.mlp.down_proj",
};

constexpr std::array kArchitectures = {
    Architecture{.class_name = "LlamaForCausalLM", .model_type = "llama", .tensors = kLlamaTensors},
};

const Architecture* find(std::string_view Architecture::*field, std::string_view value) {
  const auto found = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                  [&](const Architecture& a) { return a.*field == value; });
  return found == kArchitectures.end() ? nullptr : &*found;
}

}  // namespace

const Architecture* architecture_of_class(std::string_view class_name) {
  return find(&Architecture::class_name, class_name);
}

const Architecture* architecture_of_type(std::string_view model_type) {
  return find(&Architecture::model_type, model_type);
}

std::string known_architectures() {
  std::string names;
  for (const Architecture& a : kArchitectures)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", a.class_name);
  return names;
}

std::string layer_tensor(std::string_view pattern, std::int64_t layer) {
  return fmt::format(fmt::runtime(pattern), layer);
}

}  // namespace toptheta
