// The reference transformer: a decoder as ModelConfig describes it, on the CPU, in fp32 but for the weights
// where asked.
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

// Sees the inputs of attention, layer by layer, as the forward pass goes by: what a qk dump records.
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
  // A long prefill goes by in chunks of ForwardOptions::chunk_rows rows, each through all layers before the
  // next one starts.
  virtual void on_layer(const LayerInputs& inputs) = 0;
};

struct ForwardOptions {
  AttentionListeners attention{};
  LayerObserver* layers = nullptr;
  // Logits are computed for rows [first_logit_row, rows): none for `rows`, and the last row's only by
  // default.
  std::int64_t first_logit_row = -1;
  // Longer prefills go through the layers so many rows at a time, which bounds the memory for activations. A
  // listener that wants each layer's rows in one go asks for as many as there are tokens.
  std::int64_t chunk_rows = 512;
};

class Transformer {
 public:
  // What open_model() takes (model/tensor_source.hpp). Throws InputError, naming file and tensor, on missing,
  // truncated or wrongly shaped weights, and on those that are no finite numbers.
  static Transformer load(const std::filesystem::path& path, Compute compute = Compute::f32);
  static Transformer load(ModelFiles files, Compute compute = Compute::f32);
  // A model of this shape with seeded random weights (model/random_weights.hpp): for measuring speed.
  static Transformer random(ModelConfig config, std::uint64_t seed, Compute compute = Compute::f32);

  Transformer(Transformer&&) noexcept;
  Transformer& operator=(Transformer&&) noexcept;
  ~Transformer();

  [[nodiscard]] const ModelConfig& config() const;
  // [layers * query heads] sink logits (docs/method.md); -infinity in layers that have none; empty where no
  // layer has.
  [[nodiscard]] std::vector<float> sinks() const;
  [[nodiscard]] WeightSize weight_size() const;
  // Whether activations are rounded to bfloat16 before products of several rows: Compute::bf16 on a processor
  // that multiplies it.
  [[nodiscard]] bool rounds_activations() const;
  // An empty cache for this model's sequences. Where activations are rounded and keys are bf16, it rounds
  // queries as well (KvCache).
  [[nodiscard]] KvCache new_cache(std::int64_t capacity, Prefilter prefilter = Prefilter::none,
                                  KvType type = KvType::f32) const;

  // Runs `tokens` at positions cache.length() ... through all layers, appends their keys and values to the
  // cache, and returns logits [rows - first_logit_row, vocab_size]. One token is a decode step, more are a
  // prefill; both give the same logits to rounding. The returned span is valid until the next call on this
  // object (not reentrant). Throws InputError for a token id outside the vocabulary, and where numbers become
  // infinite or NaN on the way, naming layer and token; requires room in the cache. Where the rotary
  // embedding depends on a sequence's length (dynamic, longrope), it is that of a sequence as long as was
  // asked of the cache. Memory, kept for the next call: activations of at most ForwardOptions::chunk_rows
  // rows, the logits asked for, and the cosines and sines of the positions so far.
  std::span<const float> forward(std::span<const std::int32_t> tokens, KvCache& cache,
                                 const ResolvedPolicy& policy, const ForwardOptions& options = {});

 private:
  struct Impl;
  explicit Transformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta
