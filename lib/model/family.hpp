// Families of models as Hugging Face knows them: how a config.json of each becomes a ModelConfig.
//
// A family whose arithmetic the transformer has already is one file in families/, which the build finds by
// itself: it defines `std::span<const Family> STEM_families()` for its own file name STEM (docs/models.md).
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.hpp"
#include "model/config_fields.hpp"

namespace toptheta {

struct Family {
  std::string_view class_name;  // in config.json's "architectures"
  std::string_view model_type;  // config.json's "model_type"
  // Fills everything but name, family, special tokens and `unused`.
  void (*describe)(const ConfigFields& fields, ModelConfig& config);
};

// All families that there are.
std::span<const Family> all_families();

// --- What families are made of. ---

// Names of the fields with the sizes; an empty one is not looked at.
struct SizeFields {
  std::string hidden = "hidden_size";
  std::string ffn = "intermediate_size";
  std::string layers = "num_hidden_layers";
  std::string heads = "num_attention_heads";
  std::string kv_heads = "num_key_value_heads";  // absent or empty: as many as heads
  std::string head_dim = "head_dim";             // absent or empty: hidden / heads
  std::string context = "max_position_embeddings";
  std::optional<std::int64_t> usual_head_dim{};  // where absent
};
// Sizes, and as many plain layers.
void read_sizes(const ConfigFields& fields, ModelConfig& config, const SizeFields& names = {});

struct RopeFields {
  double theta = 10000;  // where absent
  std::string theta_field = "rope_theta";
  double part = 1;  // where absent: the part of a head that is rotated
  std::string part_field = "partial_rotary_factor";
  bool calls_longrope_yarn = false;     // Phi-3's "su" and "yarn" are longrope
  std::optional<double> local_theta{};  // layers with a window have an embedding of their own, unscaled
  std::string local_theta_field{};
};
// The rotary embeddings, from rope_scaling or rope_parameters, one for all layers or by layer type. Needs
// sizes and windows.
void read_ropes(const ConfigFields& fields, ModelConfig& config, const RopeFields& names = {});

Activation read_activation(const ConfigFields& fields, const std::string& name, const std::string& absent);

// Gives layers the window where `layer_types` says "sliding_attention"; where there is no such list, those
// that `usual` says.
void read_windows(const ConfigFields& fields, ModelConfig& config, std::int64_t window,
                  const std::function<bool(std::int64_t layer)>& usual);
// Gives every layer the window, which is what transformers computes for some families whatever `layer_types`
// says. A list that says otherwise is added to `unused`.
void give_window(const ConfigFields& fields, ModelConfig& config, std::int64_t window);
// The field sliding_window: 0 where it is null.
std::int64_t read_window(const ConfigFields& fields, std::int64_t absent);

void read_experts(const ConfigFields& fields, ModelConfig& config,
                  const std::vector<std::string>& count_fields, const std::string& ffn_field,
                  bool normalised);

TensorName named(const std::string& name, bool bias = false);
struct LlamaBiases {
  bool qkv = false, output = false, ffn = false;
};
// Of LLaMA and of what is built like it: model.layers.{}.self_attn.q_proj ...
TensorNames llama_tensors(const LlamaBiases& biases = {});

}  // namespace toptheta
