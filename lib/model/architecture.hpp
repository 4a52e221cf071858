// What tells one decoder architecture from another, as data: a new one that computes what the transformer
// already computes is a new row of the table in architecture.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace toptheta {

// Names of a Hugging Face checkpoint's tensors. Those of a layer hold "{}" where the layer's number goes. A
// matrix [out, in] lies under NAME.weight, its bias [out] under NAME.bias.
struct TensorNames {
  std::string_view embedding;   // [vocab_size, hidden]
  std::string_view final_norm;  // [hidden]
  std::string_view head;        // [vocab_size, hidden], absent where embeddings are tied

  std::string_view attention_norm;  // [hidden]
  std::string_view query;           // [num_heads * head_dim, hidden]
  std::string_view key;             // [num_kv_heads * head_dim, hidden]
  std::string_view value;           // [num_kv_heads * head_dim, hidden]
  std::string_view output;          // [hidden, num_heads * head_dim]

  std::string_view ffn_norm;  // [hidden]
  std::string_view gate;      // [ffn, hidden]
  std::string_view up;        // [ffn, hidden]
  std::string_view down;      // [hidden, ffn]
};

struct Architecture {
  std::string_view class_name;  // in config.json's "architectures"
  std::string_view model_type;  // config.json's "model_type"
  TensorNames tensors;
};

// Null where this program does not compute that architecture.
const Architecture* architecture_of_class(std::string_view class_name);
const Architecture* architecture_of_type(std::string_view model_type);
// "LlamaForCausalLM, ...": what to tell a user.
std::string known_architectures();

// "model.layers.{}.mlp.up_proj", 3 -> "model.layers.3.mlp.up_proj".
std::string layer_tensor(std::string_view pattern, std::int64_t layer);

}  // namespace toptheta
