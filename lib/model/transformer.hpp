// The reference transformer: a decoder as ModelConfig describes it, on the CPU. It computes in fp32, except
// for weights in another precision where that is asked for.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "attention/attention.hpp"
#include "attention/kv_cache.hpp"
#include "kernels/linear/linear.hpp"
#include "model/config.hpp"
#include "model/tensor_source.hpp"
#include "model/weights.hpp"

namespace toptheta {

// The inputs of attention in one layer, which a LayerObserver sees during a forward pass and a qk dump
// records.
struct LayerInputs {
  std::int64_t layer = 0;
  std::int64_t first_position = 0;
  std::int64_t rows = 0;
  const float* q = nullptr;  // [rows, num_heads, head_dim], after rotary embedding
  const float* k = nullptr;  // [rows, num_kv_heads, head_dim], after rotary embedding
  const float* v = nullptr;  // [rows, num_kv_heads, head_dim]
  float scale = 1;
};
class LayerObserver {
 public:
  LayerObserver() = default;
  LayerObserver(const LayerObserver&) = delete;
  LayerObserver& operator=(const LayerObserver&) = delete;
  virtual ~LayerObserver() = default;
  // A long prefill runs in chunks of ForwardOptions::chunk_rows rows. Each chunk goes through all layers
  // before the next one starts.
  virtual void on_layer(const LayerInputs& inputs) = 0;
};

struct ForwardOptions {
  AttentionListeners attention{};
  LayerObserver* layers = nullptr;
  // Logits are computed for rows [first_logit_row, rows). -1: for the last row only; `rows`: for none.
  std::int64_t first_logit_row = -1;
  // The most rows that go through the layers at a time, which limits the memory for activations. A listener
  // that needs each layer's rows in one piece sets this to the number of tokens.
  std::int64_t chunk_rows = 512;
};

class Transformer {
 public:
  // Loads what open_model() takes (model/tensor_source.hpp). Throws InputError, naming file and tensor, for
  // weights that are missing, truncated, of the wrong shape or not finite.
  static Transformer load(const std::filesystem::path& path, Compute compute = Compute::f32);
  static Transformer load(ModelFiles files, Compute compute = Compute::f32);
  // A model of this shape with seeded random weights (model/random_weights.hpp): for measuring speed.
  static Transformer random(ModelConfig config, std::uint64_t seed, Compute compute = Compute::f32);

  Transformer(Transformer&&) noexcept;
  Transformer& operator=(Transformer&&) noexcept;
  ~Transformer();

  [[nodiscard]] const ModelConfig& config() const;
  // [layers * query heads] sink logits (docs/method.md); -infinity in layers without sinks; empty if no layer
  // has any.
  [[nodiscard]] std::vector<float> sinks() const;
  [[nodiscard]] WeightSize weight_size() const;
  // Whether activations are rounded to bfloat16 before products of several rows, which happens under
  // Compute::bf16 on a processor with bfloat16 instructions.
  [[nodiscard]] bool rounds_activations() const;
  // An empty cache for this model, with room for `capacity` positions. If activations are rounded and keys
  // are bf16, the cache makes attention round queries as well (KvCache).
  [[nodiscard]] KvCache new_cache(std::int64_t capacity, Prefilter prefilter = Prefilter::none,
                                  KvType type = KvType::f32) const;

  // Runs `tokens` through all layers, at the positions from cache.length() on; appends their keys and values
  // to the cache; and returns logits [rows - first_logit_row, vocab_size]. One token is a decode step,
  // several are a prefill; both give the same logits up to rounding. The cache must have room. The returned
  // span is valid until the next call; calls must not overlap. Throws InputError for a token id outside the
  // vocabulary, for more positions than the model has learned, and, naming layer and token, if numbers become
  // infinite or NaN. A rotary embedding that depends on the sequence's length (dynamic, longrope) is that of
  // a sequence as long as the capacity that was asked of new_cache(). Memory, kept for the next call:
  // activations of at most ForwardOptions::chunk_rows rows, the logits asked for, and the cosines and sines
  // of the positions so far.
  std::span<const float> forward(std::span<const std::int32_t> tokens, KvCache& cache,
                                 const ResolvedPolicy& policy, const ForwardOptions& options = {});

 private:
  struct Impl;
  explicit Transformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta
