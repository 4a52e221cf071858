// A model's weights, checked against its configuration and laid out for computing.
#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "kernels/linear.hpp"
#include "model/config.hpp"

namespace toptheta {

struct LayerWeights {
  std::vector<float> attention_norm;  // [hidden]
  Linear query_key_value;       // hidden -> (num_heads + 2 * num_kv_heads) * head_dim: q, then k, then v
  Linear output;                // num_heads * head_dim -> hidden
  std::vector<float> ffn_norm;  // [hidden]
  Linear gate_up;               // hidden -> 2 * ffn: gate, then up
  Linear down;                  // ffn -> hidden
};

struct Weights {
  std::vector<float> embedding;  // [vocab_size, hidden]
  std::vector<LayerWeights> layers;
  std::vector<float> final_norm;  // [hidden]
  Linear head;                    // hidden -> vocab_size; with tied embeddings a copy of them
};

// From the directory's safetensors (F32, F16 or BF16, widened to fp32). Memory: 4 bytes a parameter, and one
// matrix more while loading. Throws InputError naming file and tensor where one is missing, of another shape
// or type, or cut short.
Weights load_weights(const std::filesystem::path& directory, const ModelConfig& config);

}  // namespace toptheta
