// A decoder's weights, from the tensors of a Hugging Face checkpoint.
#pragma once
#include <filesystem>
#include <vector>

#include "kernels/linear/linear.hpp"
#include "model/config.hpp"

namespace toptheta {

// Matrices that take the same input are one product. H query heads, G KV heads, D = head_dim.
struct LayerWeights {
  std::vector<float> attention_norm;  // [hidden]
  Linear query_key_value;             // [(H + 2 G) D, hidden]: all queries, all keys, all values
  Linear output;                      // [hidden, H D]
  std::vector<float> ffn_norm;        // [hidden]
  Linear gate_up;                     // [2 ffn, hidden]: gate, then up
  Linear down;                        // [hidden, ffn]
};

struct Weights {
  std::vector<float> embedding;      // [vocab_size, hidden]
  std::vector<LayerWeights> layers;  // [num_layers]
  std::vector<float> final_norm;     // [hidden]
  Linear head;                       // [vocab_size, hidden]; a copy of the embedding where the two are tied
};

// Reads the tensors that the configuration's architecture names from the directory's safetensors (F32, F16 or
// BF16). Throws InputError, naming file and tensor, where one is missing, truncated, of another shape or type
// than the configuration says, or where there is a bias of which the configuration knows nothing. Memory: 4
// bytes a parameter (matrices under bf16: 2), tied embeddings twice; while loading, one product's weights
// more.
Weights load_weights(const std::filesystem::path& directory, const ModelConfig& config,
                     Compute compute = Compute::f32);

}  // namespace toptheta
