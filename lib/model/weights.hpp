// A decoder's weights, loaded from the tensors of a checkpoint.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/linear/linear.hpp"
#include "model/config.hpp"
#include "model/tensor_source.hpp"

namespace toptheta {

// A norm's weight and bias. An empty weight means that there is no such norm, an empty bias that it has none.
struct NormWeights {
  std::vector<float> weight;
  std::vector<float> bias;
  explicit operator bool() const { return !weight.empty(); }
};

// Matrices with the same input are stacked into one product. The vectors have one element, or none if the
// layer has experts.
struct FeedForwardWeights {
  std::vector<Linear> up;    // [2 ffn, hidden] gates, then ups; [ffn, hidden] if not gated
  std::vector<Linear> down;  // [hidden, ffn]
};

struct ExpertWeights {
  std::vector<Linear> router;  // one element, [experts, hidden]
  std::vector<Linear> up;      // one element per expert, as above
  std::vector<Linear> down;    // one element per expert
};

// H query heads, G KV heads, D = head_dim.
struct LayerWeights {
  NormWeights attention_norm;  // [hidden]
  Linear query_key_value;      // [(H + 2 G) D, hidden]: all queries, all keys, all values
  NormWeights query_norm;      // [D], or [H D]: QueryKeyNorm
  NormWeights key_norm;        // [D], or [G D]
  std::vector<float> sinks;    // [H], or empty
  Linear output;               // [hidden, H D]
  NormWeights attention_post_norm;
  NormWeights ffn_norm;
  FeedForwardWeights ffn;  // empty if the layer has experts
  ExpertWeights experts;   // empty if it has none
  NormWeights ffn_post_norm;
};

struct Weights {
  std::vector<float> embedding;      // [vocab_size, hidden]; empty if the head's rows are used (Linear::row)
  std::vector<float> positions;      // [context, hidden], or empty
  std::vector<LayerWeights> layers;  // [num_layers]
  NormWeights final_norm;            // [hidden]
  Linear head;                       // [vocab_size, hidden]
  std::int64_t kept_codes = 0;  // how many weights are kept as the file's own small integers (Compute::q8)
};

// Reads the tensors that `config` names, in parallel, and appends to `config.unused` what else the source
// holds. Throws InputError, naming file and tensor, for a tensor that is missing, truncated, of another shape
// or type than the configuration implies, or that holds a NaN or infinity; for tensors of layers, and of
// parts of layers, that the configuration does not have; and for a head that differs from the embedding
// although they are tied. Memory: 4 bytes per parameter (matrices under bf16: 2; under q8: 1.25, or 1.5 where
// 16 weights share a scale). Tied embeddings are kept once if `compute` keeps their values exactly. Loading
// takes a few rows per thread more.
Weights load_weights(const TensorSource& source, ModelConfig& config, Compute compute = Compute::f32);

// The number of weights, and the memory that they take.
struct WeightSize {
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;
  std::int64_t kept_codes = 0;  // as in Weights
};
// `tied`: the embedding is the head, whose parameters are counted once.
WeightSize size_of(const Weights& weights, bool tied);

}  // namespace toptheta
