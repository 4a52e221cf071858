// Describes, as one value, what a decoder computes and where its weights are. Everything in which families of
// models differ is stated here; the transformer and the loader read this value and know no family by name.
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
  double weight_offset = 0;  // added to weights when they are read: Gemma's files store w for 1 + w
};

// A norm of queries and keys before the rotary embedding: over each head, or over the whole projection.
enum class QueryKeyNorm { none, per_head, whole };

// How the angles of a rotary embedding are scaled for longer contexts (model/rope.hpp has the formulas).
struct RopeScaling {
  enum class Kind { none, linear, dynamic, llama3, yarn, longrope };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1;           // llama3
  double high_freq_factor = 4;          // llama3
  double original_context = 0;          // all but linear: the context length before scaling
  double beta_fast = 32;                // yarn
  double beta_slow = 1;                 // yarn
  bool truncate = true;                 // yarn: the blended range is rounded to whole pairs
  double attention_factor = 1;          // a factor on cosines and sines
  std::vector<double> short_factors{};  // longrope: divisors of the frequencies up to the original context
  std::vector<double> long_factors{};   // longrope: divisors for longer sequences
};

struct Rope {
  std::int64_t dims = 0;  // how many of a head's first dimensions are rotated, in pairs (i, i + dims / 2)
  double theta = 10000;
  RopeScaling scaling{};
};

// What may differ from layer to layer.
struct LayerKind {
  std::int64_t window = 0;  // how many keys a query sees, its own the last; 0: all before it
  std::int64_t rope = 0;    // index into ModelConfig::ropes; -1: no rotary embedding
  double score_factor = 1;  // multiplies the model's scale of scores
  bool experts = false;     // the feed-forward part is a mixture of experts
};

// A mixture of experts. Each token goes to the `per_token` experts with the largest router logits. Their
// weights are a softmax over the logits of the selected experts if `normalised`, else over those of all.
struct Experts {
  std::int64_t count = 0;
  std::int64_t per_token = 0;
  std::int64_t ffn_size = 0;  // width of an expert's feed-forward part
  bool normalised = true;
};

enum class Block {
  sequential,  // x += attention(norm(x)); x += ffn(norm(x))
  parallel,    // x += attention(norm(x)) + ffn(norm(x)), both with the same x
};

// The names of a matrix [out, in] and its bias [out], or of a norm's weight and bias. Empty: there is none.
struct TensorName {
  std::string weight{};
  std::string bias{};
  explicit operator bool() const { return !weight.empty(); }
};

// The names of a model's tensors. In those of a layer, "{}" stands for the layer's number; in those of single
// experts, a second "{}" stands for the expert's number. A tensor without a name is not part of the model:
// without attention_norm there is no norm before attention, without gate the feed-forward part is not gated,
// and without ffn_norm both halves of a parallel block read the same normed input.
struct TensorNames {
  std::string prefix{};     // a beginning of names that some checkpoints leave out: "transformer."
  std::string embedding{};  // [vocab_size, hidden]
  std::string positions{};  // [context, hidden] learned positions
  TensorName final_norm{};  // [hidden]
  TensorName head{};        // [vocab_size, hidden]; with tied embeddings only a bias may be named

  TensorName attention_norm{};       // [hidden]
  TensorName query{};                // [num_heads * head_dim, hidden]
  TensorName key{};                  // [num_kv_heads * head_dim, hidden]
  TensorName value{};                // [num_kv_heads * head_dim, hidden]
  TensorName query_key_value{};      // instead of these, all three in one: TensorLayout
  TensorName query_norm{};           // [head_dim], or the projection's size
  TensorName key_norm{};             // [head_dim], or the projection's size
  std::string sinks{};               // [num_heads]
  TensorName output{};               // [hidden, num_heads * head_dim]
  TensorName attention_post_norm{};  // [hidden] of what attention adds

  TensorName ffn_norm{};       // [hidden]
  TensorName gate{};           // [ffn, hidden]
  TensorName up{};             // [ffn, hidden]
  TensorName gate_up{};        // instead of these, both in one: TensorLayout
  TensorName down{};           // [hidden, ffn]
  TensorName ffn_post_norm{};  // [hidden] of what the feed-forward part adds

  TensorName router{};  // [experts, hidden]
  // Like gate, up, gate_up and down. A name with a second "{}" stands for one tensor per expert, a name
  // without it for one tensor [experts, out, in].
  TensorName expert_gate{};
  TensorName expert_up{};
  TensorName expert_gate_up{};
  TensorName expert_down{};

  // Endings of the names of tensors that are not weights, such as masks and angles in old checkpoints.
  std::vector<std::string> weightless{};
};

// How a checkpoint arranges the rows of its matrices.
struct TensorLayout {
  enum class Fused {
    stacked,  // query_key_value: all queries, all keys, all values; gate_up: all gates, all ups
    // query_key_value: queries, key and value of KV head 0, then of KV head 1 ...; gate_up: gate 0, up 0,
    // gate 1, up 1 ...
    grouped,
  };
  Fused query_key_value = Fused::stacked;
  Fused gate_up = Fused::stacked;
  bool transposed = false;          // matrices of layers are stored as [in, out]
  bool experts_transposed = false;  // matrices of experts are stored as [in, out]
  // Rows (2i, 2i + 1) of a head's queries and keys are rotated together, as in llama.cpp's files of some
  // families. The loader reorders them into halves, rows (i, i + dims / 2).
  bool rotary_pairs = false;
};

struct ModelConfig {
  std::string name;    // name of the directory or file
  std::string family;  // config.json's model_type or GGUF's general.architecture, such as "llama"
  ModelShape shape;    // head_dim is always known here
  std::int64_t hidden_size = 0;
  std::int64_t ffn_size = 0;
  std::int64_t vocab_size = 0;
  std::int64_t context = 0;  // the longest sequence

  Norms norms{};
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  std::vector<Rope> ropes{};
  std::vector<LayerKind> layers{};  // [num_layers]
  double score_scale = 0;           // score = score_scale * q·k; 0: 1 / sqrt(head_dim)
  double score_cap = 0;             // scores become cap * tanh(score / cap); 0: no cap
  Block block = Block::sequential;
  ActivationKind ffn{};
  Experts experts{};
  double embedding_scale = 1;    // multiplies embeddings
  double residual_scale = 1;     // multiplies what attention and feed-forward part add
  double logit_scale = 1;        // multiplies logits
  double logit_cap = 0;          // logits become cap * tanh(logit / cap); 0: no cap
  bool tied_embeddings = false;  // the output head is the embedding
  TensorNames tensors{};
  TensorLayout layout{};

  std::optional<std::int32_t> bos_token;
  std::vector<std::int32_t> eos_tokens;

  // Fields and tensors of the model's files that nothing uses, one per element: to be shown to the user, or
  // refused.
  std::vector<std::string> unused{};

  // The scale of scores in a layer, score_factor included.
  [[nodiscard]] double attention_scale(std::int64_t layer = 0) const;
  [[nodiscard]] bool gated() const {
    return tensors.gate || tensors.gate_up || tensors.expert_gate || tensors.expert_gate_up;
  }
};

// Reads a Hugging Face config.json, in the form of transformers 5 or an older one. Throws InputError naming
// the file and field if something is missing, of the wrong type, impossible, or of a kind that this program
// does not compute; it never guesses. Fields that are neither used nor known to be harmless are listed in
// `unused`.
ModelConfig read_config(const std::filesystem::path& path);

// Puts numbers into a name: "model.layers.{}.mlp.up_proj", 3 -> "model.layers.3.mlp.up_proj". A second "{}"
// stands for the expert's number.
std::string layer_tensor(const std::string& pattern, std::int64_t layer, std::int64_t expert = 0);

}  // namespace toptheta
