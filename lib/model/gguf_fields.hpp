// Inside model: the metadata of a GGUF file under the name of its architecture, and what the architectures
// have in common.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "io/gguf.hpp"
#include "model/config.hpp"

namespace toptheta {

class GgufFields {
 public:
  GgufFields(const GgufFile& file, GgufKeys& keys, std::string architecture)
      : file_(file), keys_(keys), architecture_(std::move(architecture)) {}

  [[nodiscard]] const GgufFile& file() const { return file_; }
  [[nodiscard]] GgufKeys& keys() const { return keys_; }
  [[nodiscard]] const std::string& architecture() const { return architecture_; }

  // "block_count" -> "llama.block_count"
  [[nodiscard]] std::string key(const std::string& name) const { return architecture_ + "." + name; }
  [[nodiscard]] bool has(const std::string& name) const { return keys_.has(key(name)); }
  // Throw InputError where the value is missing or outside least ... most.
  [[nodiscard]] std::int64_t whole(const std::string& name, std::int64_t least, std::int64_t most) const;
  [[nodiscard]] std::int64_t whole_or(const std::string& name, std::int64_t least, std::int64_t most,
                                      std::int64_t absent) const;
  // One number for all layers; or a list, one for each layer, all of which must be equal.
  [[nodiscard]] std::int64_t shared_whole_or(const std::string& name, std::int64_t least, std::int64_t most,
                                             std::optional<std::int64_t> absent) const;
  // Greater than 0.
  [[nodiscard]] double positive(const std::string& name) const;
  [[nodiscard]] double positive_or(const std::string& name, double absent) const;
  [[nodiscard]] bool flag_or(const std::string& name, bool absent) const;
  [[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& expected,
                           const std::string& found) const;

  // A tensor's name for the layers' pattern "blk.{}.attn_q", with a bias where layer 0 has one; no name where
  // layer 0 has no such tensor.
  [[nodiscard]] TensorName if_there(const std::string& pattern) const;
  // The same, but the weight is named in any case, so that the loader asks for it.
  [[nodiscard]] TensorName needed(const std::string& pattern) const;

 private:
  const GgufFile& file_;
  GgufKeys& keys_;
  std::string architecture_;
};

// Sizes, norms (RMS or LayerNorm, by the key that gives epsilon), experts, and the names of the tensors that
// most architectures share. Layers are plain.
void read_gguf_common(const GgufFields& fields, ModelConfig& config);

// The rotary embedding, with its scaling and the tensors that hold factors of frequencies.
Rope read_gguf_rope(const GgufFields& fields, const ModelConfig& config);

// The window of attention.sliding_window on the layers that attention.sliding_window_pattern names, or else
// those that `usual` does. `absent`: the window of a file that says nothing.
void read_gguf_windows(const GgufFields& fields, ModelConfig& config, std::int64_t absent,
                       const std::function<bool(std::int64_t layer)>& usual);

// Fills everything but name, special tokens and `unused`. Throws InputError for an architecture that is not
// known.
void describe_gguf(const GgufFields& fields, ModelConfig& config);

}  // namespace toptheta
