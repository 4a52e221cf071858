// A decoder's weights, from the tensors of a checkpoint.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/linear/linear.hpp"
#include "model/config.hpp"
#include "model/tensor_source.hpp"

namespace toptheta {

// No weight: there is no such norm. No bias: none.
struct NormWeights {
  std::vector<float> weight;
  std::vector<float> bias;
  explicit operator bool() const { return !weight.empty(); }
};

// Matrices that take the same input are one product.
struct FeedForwardWeights {
  std::vector<Linear> up;    // one: [2 ffn, hidden], gates, then ups; [ffn, hidden] where not gated
  std::vector<Linear> down;  // one: [hidden, ffn]
};

struct ExpertWeights {
  std::vector<Linear> router;  // one: [experts, hidden]
  std::vector<Linear> up;      // [experts] as above
  std::vector<Linear> down;    // [experts]
};

// H query heads, G KV heads, D = head_dim.
struct LayerWeights {
  NormWeights attention_norm;  // [hidden]
  Linear query_key_value;      // [(H + 2 G) D, hidden]: all queries, all keys, all values
  NormWeights query_norm;      // [D], or [H D]
  NormWeights key_norm;        // [D], or [G D]
  std::vector<float> sinks;    // [H], or none
  Linear output;               // [hidden, H D]
  NormWeights attention_post_norm;
  NormWeights ffn_norm;
  FeedForwardWeights ffn;  // where the layer has no experts
  ExpertWeights experts;   // where it has
  NormWeights ffn_post_norm;
};

struct Weights {
  std::vector<float> embedding;      // [vocab_size, hidden]; empty where the head's rows serve (Linear::row)
  std::vector<float> positions;      // [context, hidden], or none
  std::vector<LayerWeights> layers;  // [num_layers]
  NormWeights final_norm;            // [hidden]
  Linear head;                       // [vocab_size, hidden]
  std::int64_t kept_codes = 0;       // weights that are the file's own small integers: Compute::q8
};

// Reads the tensors that `config` names, in parallel. Appends to `config.unused` what the source holds
// besides. Throws InputError, naming file and tensor, where one is missing, truncated, of another shape or
// type than the configuration says, or holds a NaN or infinity; where a layer has tensors, or the model
// layers, of which the configuration knows nothing; and where embeddings are tied but a head of other values
// lies there. Memory: 4 bytes a parameter (matrices under bf16: 2, q8: 1.25, or 1.5 where 16 share a scale),
// tied embeddings once where compute keeps their values exactly; while loading, a few rows for each thread
// more.
Weights load_weights(const TensorSource& source, ModelConfig& config, Compute compute = Compute::f32);

// Bytes of the weights in memory, and how many there are.
struct WeightSize {
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
  std::int64_t kept_codes = 0;  // as in Weights
};
WeightSize size_of(const Weights& weights, bool tied);

}  // namespace toptheta
