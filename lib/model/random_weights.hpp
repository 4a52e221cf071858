// Models of any shape without a file: seeded random weights, for measuring speed.
#pragma once
#include <cstdint>
#include <string_view>

#include "model/config.hpp"
#include "model/weights.hpp"

namespace toptheta {

// "d=768,layers=12,heads=12,kv-heads=4,ffn=2048,vocab=32000[,head-dim=64][,context=16384]" -> a LLaMA of that
// shape. kv-heads defaults to heads, head-dim to d / heads, context to 131072. Throws UsageError naming
// --shape on anything else, and on sizes that do not fit each other.
ModelConfig config_from_shape(std::string_view text);

// Uniform weights with variance 1 / (input features), norms of one: scores between keys and queries have a
// standard deviation of about 1. The same for equal seed and shape at any number of threads. Memory: as
// load_weights.
Weights random_weights(const ModelConfig& config, std::uint64_t seed, Compute compute);

}  // namespace toptheta
