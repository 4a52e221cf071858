// Models of any shape with seeded random weights, for measuring speed without a model file.
#pragma once
#include <cstdint>
#include <string_view>

#include "model/config.hpp"
#include "model/weights.hpp"

namespace toptheta {

// The configuration of a LLaMA whose shape is written as
// "d=768,layers=12,heads=12,kv-heads=4,ffn=2048,vocab=32000[,head-dim=64][,context=16384]". kv-heads defaults
// to heads, head-dim to d / heads, context to 131072. Throws UsageError for any other text, and for sizes
// that do not fit each other.
ModelConfig config_from_shape(std::string_view text);

// Draws uniform weights with variance 1 / (input features) and sets norms to 1, so that scores have a
// standard deviation of about 1. Equal seed and shape give equal weights at any number of threads. Memory: as
// in load_weights().
Weights random_weights(const ModelConfig& config, std::uint64_t seed, Compute compute);

}  // namespace toptheta
