// What a decoder computes and where its weights lie, as one value. Everything in which families of models
// differ is said here: the transformer and the loader read this and know no family by name.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/shape.hpp"
#include "kernels/linear/activation.hpp"

namespace toptheta {

struct Norms {
  enum class Kind { rms, layer };
  Kind kind = Kind::rms;
  double eps = 1e-5;
  double weight_offset = 0;  // added to weights as they are read: Gemma's checkpoints hold w of (1 + w)
};

// On queries and keys, before the rotary embedding: over each head, or over all of a projection at once.
enum class QueryKeyNorm { none, per_head, whole };

// How the angles of a rotary embedding are stretched to longer contexts (model/rope.hpp has the formulas).
struct RopeScaling {
  enum class Kind { none, linear, dynamic, llama3, yarn, longrope };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1;           // llama3
  double high_freq_factor = 4;          // llama3
  double original_context = 0;          // all but linear: the context of before
  double beta_fast = 32;                // yarn
  double beta_slow = 1;                 // yarn
  bool truncate = true;                 // yarn: the blended range is rounded to whole pairs
  double attention_factor = 1;          // yarn, longrope: on cosines and sines
  std::vector<double> short_factors{};  // longrope: divide the frequencies, up to the original context
  std::vector<double> long_factors{};   // and beyond it
};

struct Rope {
  std::int64_t dims = 0;  // the first so many dimensions of a head are rotated, in pairs (i, i + dims / 2)
  double theta = 10000;
  RopeScaling scaling{};
};

// What may differ from layer to layer.
struct LayerKind {
  std::int64_t window = 0;  // a query sees the last so many keys; 0: all
  std::int64_t rope = 0;    // in ModelConfig::ropes; -1: this layer knows no positions
  double score_factor = 1;  // on the model's scale of scores
  bool experts = false;     // the feed-forward part is a mixture of experts
};

// The `per_token` experts of the largest router logits run, weighted by a softmax over the selected ones, or
// over all where not normalised.
struct Experts {
  std::int64_t count = 0;
  std::int64_t per_token = 0;
  std::int64_t ffn_size = 0;
  bool normalised = true;
};

enum class Block {
  sequential,  // x += attention(norm(x)); x += ffn(norm(x))
  parallel,    // x += attention(norm(x)) + ffn(norm(x)), both of the same x
};

// A matrix [out, in] and its bias [out]; a norm's weight and bias. Empty: there is none.
struct TensorName {
  std::string weight{};
  std::string bias{};
  explicit operator bool() const { return !weight.empty(); }
};

// Names of the tensors. Those of a layer hold "{}" where its number goes, those of single experts a second
// one. What has no name is not part of the model: no attention_norm, no norm before attention; no gate, a
// feed-forward part that is not gated; a parallel block without ffn_norm feeds both halves the same norm.
struct TensorNames {
  std::string prefix{};     // that some checkpoints leave out: "transformer."
  std::string embedding{};  // [vocab_size, hidden]
  std::string positions{};  // [context, hidden], learned
  TensorName final_norm{};  // [hidden]
  TensorName head{};        // [vocab_size, hidden]; with tied embeddings only a bias may be named

  TensorName attention_norm{};       // [hidden]
  TensorName query{};                // [num_heads * head_dim, hidden]
  TensorName key{};                  // [num_kv_heads * head_dim, hidden]
  TensorName value{};                // [num_kv_heads * head_dim, hidden]
  TensorName query_key_value{};      // or all three in one
  TensorName query_norm{};           // [head_dim], or the projection's size
  TensorName key_norm{};             // [head_dim], or the projection's size
  std::string sinks{};               // [num_heads]
  TensorName output{};               // [hidden, num_heads * head_dim]
  TensorName attention_post_norm{};  // [hidden], on what attention adds

  TensorName ffn_norm{};       // [hidden]
  TensorName gate{};           // [ffn, hidden]
  TensorName up{};             // [ffn, hidden]
  TensorName gate_up{};        // or both in one
  TensorName down{};           // [hidden, ffn]
  TensorName ffn_post_norm{};  // [hidden], on what the feed-forward part adds

  TensorName router{};       // [experts, hidden]
  TensorName expert_gate{};  // as gate, up and down: with a second "{}" one tensor per expert, else
  TensorName expert_up{};    // one [experts, out, in] for all
  TensorName expert_gate_up{};
  TensorName expert_down{};

  // Endings of tensors that hold no weights, such as masks and angles that old checkpoints saved.
  std::vector<std::string> weightless{};
};

// How the rows of its matrices lie in a checkpoint.
struct TensorLayout {
  enum class Fused {
    stacked,  // query_key_value: all queries, all keys, all values; gate_up: all gates, all ups
    grouped,  // query_key_value: queries, key, value of KV head 0, then of 1 ...; gate_up: gate 0, up 0 ...
  };
  Fused query_key_value = Fused::stacked;
  Fused gate_up = Fused::stacked;
  bool transposed = false;          // matrices of layers are [in, out]
  bool experts_transposed = false;  // those of experts are
  // The rows of a head's queries and keys come in the pairs (2i, 2i + 1) that are rotated together, as
  // llama.cpp's files have it for some families; they are put into halves as they are read.
  bool rotary_pairs = false;
};

struct ModelConfig {
  std::string name;    // of the directory or file
  std::string family;  // "llama", as config.json's model_type or GGUF's general.architecture
  ModelShape shape;    // head_dim is always known here
  std::int64_t hidden_size = 0;
  std::int64_t ffn_size = 0;
  std::int64_t vocab_size = 0;
  std::int64_t context = 0;  // the longest sequence

  Norms norms{};
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  std::vector<Rope> ropes{};
  std::vector<LayerKind> layers{};  // [num_layers]
  double score_scale = 0;           // of q k^T; 0: 1 / sqrt(head_dim)
  double score_cap = 0;             // scores become cap * tanh(score / cap); 0: they stay
  Block block = Block::sequential;
  ActivationKind ffn{};
  Experts experts{};
  double embedding_scale = 1;
  double residual_scale = 1;  // on what attention and feed-forward part add
  double logit_scale = 1;
  double logit_cap = 0;  // logits become cap * tanh(logit / cap); 0: they stay
  bool tied_embeddings = false;
  TensorNames tensors{};
  TensorLayout layout{};

  std::optional<std::int32_t> bos_token;
  std::vector<std::int32_t> eos_tokens;

  // What the model's files say and nothing here uses, a line each: for the user to be told, or to be refused.
  std::vector<std::string> unused{};

  // The scale of scores that is in force.
  [[nodiscard]] double attention_scale(std::int64_t layer = 0) const;
  [[nodiscard]] bool gated() const {
    return tensors.gate || tensors.gate_up || tensors.expert_gate || tensors.expert_gate_up;
  }
};

// From a Hugging Face config.json, in the form of before and after transformers 5. Throws InputError naming
// the file and field where something is missing, of the wrong type, impossible, or of a kind this program
// does not compute: never a guess. Fields that are neither used nor known to be harmless are listed in
// `unused`.
ModelConfig read_config(const std::filesystem::path& path);

// "model.layers.{}.mlp.up_proj", 3 -> "model.layers.3.mlp.up_proj"; a second "{}" is the expert's.
std::string layer_tensor(const std::string& pattern, std::int64_t layer, std::int64_t expert = 0);

}  // namespace toptheta
