// A model's shape and constants, from a Hugging Face config.json.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/shape.hpp"
#include "model/architecture.hpp"

namespace toptheta {

struct RopeScaling {
  enum class Kind { none, linear, llama3 };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1;   // llama3
  double high_freq_factor = 4;  // llama3
  double original_context = 0;  // llama3
};

struct ModelConfig {
  std::string name;                            // the directory's name
  const Architecture* architecture = nullptr;  // a row of the table in architecture.cpp
  ModelShape shape;                            // head_dim is always known here
  std::int64_t hidden_size = 0;
  std::int64_t ffn_size = 0;
  std::int64_t vocab_size = 0;
  std::int64_t context = 0;  // max_position_embeddings
  double norm_eps = 1e-5;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  bool tied_embeddings = false;
  bool attention_bias = false;  // on all four projections
  bool mlp_bias = false;
  std::optional<std::int32_t> bos_token;
  std::vector<std::int32_t> eos_tokens;
};

// Throws InputError naming the file and field where something is missing, of the wrong type, impossible, or
// of a kind this program does not compute (another architecture, activation or rotary scaling): never a
// guess.
ModelConfig read_config(const std::filesystem::path& path);

}  // namespace toptheta
