// Families of models as Hugging Face names them: how the config.json of each becomes a ModelConfig.
//
// A family whose arithmetic the transformer already has takes one file in families/, which the build finds by
// itself. The file defines `std::span<const Family> STEM_families()`, where STEM is the file's name without
// .cpp (docs/models.md).
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
  std::string_view class_name;  // as in config.json's "architectures"
  std::string_view model_type;  // as in config.json's "model_type"
  // Fills in everything but name, family, special tokens and `unused`.
  void (*describe)(const ConfigFields& fields, ModelConfig& config);
};

// All known families.
std::span<const Family> all_families();

// --- The parts that families are made of. ---

// The names of the fields that hold sizes. A field with an empty name is not read.
struct SizeFields {
  std::string hidden = "hidden_size";
  std::string ffn = "intermediate_size";
  std::string layers = "num_hidden_layers";
  std::string heads = "num_attention_heads";
  std::string kv_heads = "num_key_value_heads";  // absent or empty: as many as heads
  std::string head_dim = "head_dim";             // absent or empty: hidden / heads
  std::string context = "max_position_embeddings";
  std::optional<std::int64_t> usual_head_dim{};  // used if head_dim is absent, instead of hidden / heads
};
// Reads the sizes, and gives the configuration that many plain layers.
void read_sizes(const ConfigFields& fields, ModelConfig& config, const SizeFields& names = {});

struct RopeFields {
  double theta = 10000;  // used if the field is absent
  std::string theta_field = "rope_theta";
  double part = 1;  // the part of a head that is rotated, if the field is absent
  std::string part_field = "partial_rotary_factor";
  bool calls_longrope_yarn = false;  // Phi-3's "su" and "yarn" mean longrope
  // If set, layers with a window have their own rotary embedding, unscaled, with this theta unless the field
  // local_theta_field says otherwise.
  std::optional<double> local_theta{};
  std::string local_theta_field{};
};
// Reads the rotary embeddings from rope_scaling or rope_parameters, one for all layers or one per layer type.
// Sizes and windows must have been read before.
void read_ropes(const ConfigFields& fields, ModelConfig& config, const RopeFields& names = {});

// The activation that field `name` names, or `absent` if there is no such field.
Activation read_activation(const ConfigFields& fields, const std::string& name, const std::string& absent);

// Gives the window to the layers that `layer_types` calls "sliding_attention" or, without such a list, to
// those for which usual(layer) is true.
void read_windows(const ConfigFields& fields, ModelConfig& config, std::int64_t window,
                  const std::function<bool(std::int64_t layer)>& usual);
// Gives every layer the window, which is what transformers computes for some families whatever `layer_types`
// says. A list that says otherwise is added to `unused`.
void give_window(const ConfigFields& fields, ModelConfig& config, std::int64_t window);
// The field sliding_window: 0 if it is null, `absent` if it is not there.
std::int64_t read_window(const ConfigFields& fields, std::int64_t absent);

// Reads the sizes of a mixture of experts. `count_fields` are the possible names of the number of experts,
// which must agree if there are several.
void read_experts(const ConfigFields& fields, ModelConfig& config,
                  const std::vector<std::string>& count_fields, const std::string& ffn_field,
                  bool normalised);

// The tensor `name`.weight and, if asked for, `name`.bias.
TensorName named(const std::string& name, bool bias = false);
// Which matrices of a LLaMA have a bias.
struct LlamaBiases {
  bool qkv = false, output = false, ffn = false;
};
// The tensor names of LLaMA and of models built like it: model.layers.{}.self_attn.q_proj ...
TensorNames llama_tensors(const LlamaBiases& biases = {});

}  // namespace toptheta
