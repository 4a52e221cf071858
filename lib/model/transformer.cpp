#include "model/transformer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.hpp"
#include "core/team.hpp"
#include "kernels/linear/elementwise.hpp"
#include "kernels/rows/soft_cap.hpp"
#include "model/random_weights.hpp"
#include "model/transformer_impl.hpp"

namespace toptheta {

Transformer::Impl::Impl(ModelConfig model_config, Weights model_weights)
    : config(std::move(model_config)),
      weights(std::move(model_weights)),
      act(config, std::max(config.ffn_size, config.experts.ffn_size)),
      gathered(config.hidden_size),
      expert_results(config.hidden_size),
      expert_sums(config.hidden_size) {
  for (const Rope& rope : config.ropes)
    ropes.emplace_back(rope);
}

void Transformer::Impl::require_known(std::span<const std::int32_t> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= config.vocab_size)
      throw InputError({.where = fmt::format("model {}: token {} of {}", config.name, i, tokens.size()),
                        .what = "token id outside the vocabulary",
                        .expected = fmt::format("0 to {}", config.vocab_size - 1),
                        .found = fmt::format("{}", tokens[i]),
                        .next = "check that the tokenizer belongs to this model"});
}

void Transformer::Impl::reserve(std::int64_t rows, const KvCache& cache) {
  if (!weights.positions.empty() && cache.length() + rows > config.context)
    throw InputError({.where = fmt::format("model {}", config.name),
                      .what = "the sequence is longer than the positions that the model has learned",
                      .expected = fmt::format("at most {} tokens", config.context),
                      .found = fmt::format("{}", cache.length() + rows)});
  // Extend the tables by many positions at once, so that few decode steps allocate.
  constexpr std::int64_t kPositions = 512;
  const std::int64_t needed = cache.length() + rows;
  const std::int64_t positions = (needed + kPositions - 1) / kPositions * kPositions;
  for (RopeTable& rope : ropes)
    rope.extend(std::min(positions, cache.capacity()), cache.asked_capacity());
}

void Transformer::Impl::embed(std::span<const std::int32_t> tokens, const Pass& pass) {
  const std::int64_t hidden = config.hidden_size;
  const auto scale = static_cast<float>(config.embedding_scale);
  for_each_row(std::ssize(tokens), [&](std::int64_t r) {
    const std::int64_t token = tokens[static_cast<std::size_t>(r)];
    const std::span<float> x = act.x.row(r);
    if (weights.embedding.empty())
      weights.head.row(token, x.data());
    else
      std::copy_n(weights.embedding.data() + token * hidden, hidden, x.begin());
    if (scale != 1)
      for (float& value : x)
        value *= scale;
    if (weights.positions.empty()) return;
    const float* const position = weights.positions.data() + (pass.first_position() + r) * hidden;
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] += position[i];
  });
}

void Transformer::Impl::write_logits(std::int64_t first_row, const Pass& pass, float* out) {
  norm(act.x, weights.final_norm, act.normed, pass, {config.shape.num_layers - 1, kFeedForward}, first_row);
  const std::int64_t rows = pass.rows - first_row;
  weights.head.apply(act.normed.row(first_row).data(), rows, out);
  const auto scale = static_cast<float>(config.logit_scale);
  const auto cap = static_cast<float>(config.logit_cap);
  RowWatch watch;
  for_each_row(rows, [&](std::int64_t r) {
    const std::span<float> row{out + r * config.vocab_size, static_cast<std::size_t>(config.vocab_size)};
    if (scale != 1)
      for (float& value : row)
        value *= scale;
    if (cap != 0) soft_cap(row, cap);
    watch.see(r, largest_magnitude(row));
  });
  if (watch.found())
    throw_not_finite(config, {-1, "logits"}, pass.first_position() + first_row + watch.first());
}

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;
Transformer::~Transformer() = default;

Transformer Transformer::load(const std::filesystem::path& path, Compute compute) {
  return load(open_model(path), compute);
}

Transformer Transformer::load(ModelFiles files, Compute compute) {
  Weights weights = load_weights(*files.tensors, files.config, compute);
  return Transformer(std::make_unique<Impl>(std::move(files.config), std::move(weights)));
}

Transformer Transformer::random(ModelConfig config, std::uint64_t seed, Compute compute) {
  Weights weights = random_weights(config, seed, compute);
  return Transformer(std::make_unique<Impl>(std::move(config), std::move(weights)));
}

bool Transformer::rounds_activations() const {
  return impl_->weights.layers.front().query_key_value.rounds_input();
}

WeightSize Transformer::weight_size() const {
  return size_of(impl_->weights, impl_->config.tied_embeddings);
}

KvCache Transformer::new_cache(std::int64_t capacity, Prefilter prefilter, KvType type) const {
  return {config().shape, capacity, prefilter, type, rounds_activations() ? Compute::bf16 : Compute::f32};
}

const ModelConfig& Transformer::config() const {
  return impl_->config;
}

std::vector<float> Transformer::sinks() const {
  std::vector<float> all;
  bool any = false;
  for (const LayerWeights& layer : impl_->weights.layers) {
    any = any || !layer.sinks.empty();
    if (layer.sinks.empty())
      all.insert(all.end(), static_cast<std::size_t>(config().shape.num_heads),
                 -std::numeric_limits<float>::infinity());
    else
      all.insert(all.end(), layer.sinks.begin(), layer.sinks.end());
  }
  return any ? all : std::vector<float>();
}

std::span<const float> Transformer::forward(std::span<const std::int32_t> tokens, KvCache& cache,
                                            const ResolvedPolicy& policy, const ForwardOptions& options) {
  Impl& m = *impl_;
  const std::int64_t rows = std::ssize(tokens);
  const std::int64_t first_logit =
      options.first_logit_row < 0 ? std::max<std::int64_t>(rows - 1, 0) : options.first_logit_row;
  assert(cache.shape() == m.config.shape && cache.length() + rows <= cache.capacity() && first_logit <= rows);
  m.require_known(tokens);
  m.reserve(rows, cache);
  m.act.reserve(std::min(rows, options.chunk_rows));
  const auto logit_count = static_cast<std::size_t>((rows - first_logit) * m.config.vocab_size);
  if (m.logits.size() < logit_count) m.logits.resize(logit_count);

  // All layers' short loops run on one team of threads (core/team.hpp).
  const auto all_layers = [&] {
    for (std::int64_t first = 0; first < rows; first += options.chunk_rows) {
      const Pass pass{cache, policy, options, std::min(options.chunk_rows, rows - first)};
      m.embed(tokens.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(pass.rows)), pass);
      for (std::int64_t l = 0; l < m.config.shape.num_layers; ++l)
        m.block(l, pass);
      const std::int64_t skip = std::max<std::int64_t>(first_logit - first, 0);
      if (skip < pass.rows)
        m.write_logits(skip, pass, m.logits.data() + (first + skip - first_logit) * m.config.vocab_size);
      cache.advance(pass.rows);
    }
  };
  with_team(std::cref(all_layers));
  return std::span<const float>(m.logits).first(logit_count);
}

}  // namespace toptheta
