// Internal to model: the state and the steps of a forward pass.
#pragma once
#include <vector>

#include "model/activations.hpp"
#include "model/finite.hpp"
#include "model/rope.hpp"
#include "model/transformer.hpp"
#include "model/weights.hpp"

namespace toptheta {

// The rows of one chunk of a forward call.
struct Pass {
  KvCache& cache;
  const ResolvedPolicy& policy;
  const ForwardOptions& options;
  std::int64_t rows = 0;

  // The position of row 0.
  [[nodiscard]] std::int64_t first_position() const { return cache.length(); }
};

struct Transformer::Impl {
  ModelConfig config;
  Weights weights;
  std::vector<RopeTable> ropes;  // one for each of ModelConfig::ropes
  Activations act;
  std::vector<float> logits;  // [logit rows, vocab_size]
  // For mixtures of experts: the experts' weights in each row, and the rows' inputs and outputs.
  std::vector<float> routes;      // [rows, experts]
  ActivationRows gathered;        // [rows of one expert, hidden]
  ActivationRows expert_results;  // [rows of one expert, hidden]
  ActivationRows expert_sums;     // [rows, hidden]

  Impl(ModelConfig model_config, Weights model_weights);

  void require_known(std::span<const std::int32_t> tokens) const;
  void reserve(std::int64_t rows, const KvCache& cache);
  void embed(std::span<const std::int32_t> tokens, const Pass& pass);
  void block(std::int64_t layer, const Pass& pass);
  void write_logits(std::int64_t first_row, const Pass& pass, float* out);

 private:
  // out = norm(x), for the rows from first_row on. If they are not finite, the error names `place`, which
  // made them.
  void norm(ActivationRows& x, const NormWeights& weights, ActivationRows& out, const Pass& pass,
            const Place& place, std::int64_t first_row = 0);
  [[nodiscard]] float norm_row(std::span<const float> x, const NormWeights& norm, std::span<float> out) const;
  // Lets `add` add to x; if there is a post-norm, to a row of zeros that is normed before it is added to x.
  template <class Add>
  void add_branch(const NormWeights& post_norm, const Pass& pass, const Place& place, const Add& add);

  void attention(std::int64_t layer, ActivationRows& input, const Pass& pass);
  void split_and_rotate(std::int64_t layer, const Pass& pass);
  void place_head_rows(std::int64_t layer, std::int64_t row, std::int64_t position);
  void observe(std::int64_t layer, const Pass& pass);

  void feed_forward(std::int64_t layer, ActivationRows& input, const Pass& pass);
  void activate_rows(std::int64_t rows, std::int64_t ffn);
  void mix_experts(const ExpertWeights& experts, ActivationRows& input, const Pass& pass);
};

}  // namespace toptheta
