// Internal to model: the metadata of a GGUF file whose keys begin with the architecture's name, and what
// architectures have in common.
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
  // Whole numbers. Both throw InputError for a value outside least ... most; the first also if there is none.
  [[nodiscard]] std::int64_t whole(const std::string& name, std::int64_t least, std::int64_t most) const;
  [[nodiscard]] std::int64_t whole_or(const std::string& name, std::int64_t least, std::int64_t most,
                                      std::int64_t absent) const;
  // One number for all layers, or a list with one number per layer, all of which must be equal. Throws if it
  // is missing and `absent` has no value.
  [[nodiscard]] std::int64_t shared_whole_or(const std::string& name, std::int64_t least, std::int64_t most,
                                             std::optional<std::int64_t> absent) const;
  // Numbers greater than 0.
  [[nodiscard]] double positive(const std::string& name) const;
  [[nodiscard]] double positive_or(const std::string& name, double absent) const;
  [[nodiscard]] bool flag_or(const std::string& name, bool absent) const;
  [[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& expected,
                           const std::string& found) const;

  // The name for a pattern such as "blk.{}.attn_q", with a bias if layer 0 has one; empty if layer 0 has no
  // such tensor.
  [[nodiscard]] TensorName if_there(const std::string& pattern) const;
  // The same, but the weight is named even if it is missing, so that the loader reports it.
  [[nodiscard]] TensorName needed(const std::string& pattern) const;

 private:
  const GgufFile& file_;
  GgufKeys& keys_;
  std::string architecture_;
};

// Reads sizes, norms (RMS or LayerNorm, by the key that gives epsilon) and experts, and sets the names of the
// tensors that most architectures share. Layers get no windows.
void read_gguf_common(const GgufFields& fields, ModelConfig& config);

// Reads the rotary embedding, with its scaling and the tensors of frequency factors.
Rope read_gguf_rope(const GgufFields& fields, const ModelConfig& config);

// Gives the window of attention.sliding_window (`absent` if there is none) to the layers that
// attention.sliding_window_pattern names or, without such a key, to those for which usual(layer) is true.
void read_gguf_windows(const GgufFields& fields, ModelConfig& config, std::int64_t absent,
                       const std::function<bool(std::int64_t layer)>& usual);

// Fills in everything but name, special tokens and `unused`. Throws InputError for an unknown architecture.
void describe_gguf(const GgufFields& fields, ModelConfig& config);

}  // namespace toptheta
