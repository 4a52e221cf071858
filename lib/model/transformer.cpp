#include "model/transformer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <functional>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "kernels/linear/elementwise.hpp"
#include "model/random_weights.hpp"
#include "model/rope.hpp"
#include "model/weights.hpp"

namespace toptheta {

namespace {

// A matrix of activations: rows of equal width.
class Rows {
 public:
  explicit Rows(std::int64_t width) : width_(width) {}
  // Grows only, so that decoding allocates nothing after its first step.
  void reserve(std::int64_t rows) {
    const auto size = static_cast<std::size_t>(rows * width_);
    if (values_.size() < size) values_.resize(size);
  }
  [[nodiscard]] float* data() { return values_.data(); }
  [[nodiscard]] std::span<float> row(std::int64_t r) {
    return {values_.data() + r * width_, static_cast<std::size_t>(width_)};
  }

 private:
  std::int64_t width_;
  std::vector<float> values_;
};

// H query heads, G KV heads, D = head_dim.
struct Activations {
  Rows x;         // [rows, hidden] the residual stream
  Rows normed;    // [rows, hidden]
  Rows qkv;       // [rows, (H + 2 G) D] as the product leaves them, before rotary embedding
  Rows q;         // [rows, H, D] after it
  Rows k;         // [rows, G, D] after it
  Rows v;         // [rows, G, D]
  Rows attended;  // [rows, H, D]
  Rows gate_up;   // [rows, 2 ffn]
  Rows gated;     // [rows, ffn]

  explicit Activations(const ModelConfig& c)
      : x(c.hidden_size),
        normed(c.hidden_size),
        qkv((c.shape.num_heads + 2 * c.shape.num_kv_heads) * c.shape.head_dim),
        q(c.shape.num_heads * c.shape.head_dim),
        k(c.shape.num_kv_heads * c.shape.head_dim),
        v(c.shape.num_kv_heads * c.shape.head_dim),
        attended(c.shape.num_heads * c.shape.head_dim),
        gate_up(2 * c.ffn_size),
        gated(c.ffn_size) {}
  void reserve(std::int64_t rows) {
    for (Rows* matrix : {&x, &normed, &qkv, &q, &k, &v, &attended, &gate_up, &gated})
      matrix->reserve(rows);
  }
};

template <typename Body>
void for_each_row(std::int64_t rows, const Body& body) {
  constexpr std::int64_t kTile = 16;
  const auto tile_rows = [&](std::int64_t tile) {
    for (std::int64_t r = tile * kTile; r < std::min(rows, (tile + 1) * kTile); ++r)
      body(r);
  };
  // By reference: a copy into std::function would allocate.
  parallel_for((rows + kTile - 1) / kTile, std::cref(tile_rows));
}

// Some rows of a forward call on their way through all layers.
struct Pass {
  KvCache& cache;
  const ResolvedPolicy& policy;
  const ForwardOptions& options;
  std::int64_t rows = 0;

  // The position of row 0.
  [[nodiscard]] std::int64_t first_position() const { return cache.length(); }
};

}  // namespace

struct Transformer::Impl {
  ModelConfig config;
  Weights weights;
  RopeTable rope;
  Activations act;
  std::vector<float> logits;  // [logit rows, vocab_size]

  Impl(ModelConfig model_config, Weights model_weights)
      : config(std::move(model_config)),
        weights(std::move(model_weights)),
        rope(rope_frequencies(config)),
        act(config) {}

  void require_known(std::span<const std::int32_t> tokens) const;
  void embed(std::span<const std::int32_t> tokens);
  void attention_block(std::int64_t layer, const Pass& pass);
  void ffn_block(std::int64_t layer, const Pass& pass);
  void split_and_rotate(const Pass& pass);
  void observe(std::int64_t layer, const Pass& pass);
  void norm(std::int64_t first_row, std::int64_t rows, std::span<const float> weight);
  void write_logits(std::int64_t first_row, std::int64_t rows, float* out);
  [[nodiscard]] float scale() const {
    return static_cast<float>(1 / std::sqrt(static_cast<double>(config.shape.head_dim)));
  }
};

void Transformer::Impl::require_known(std::span<const std::int32_t> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= config.vocab_size)
      throw InputError({.where = fmt::format("model {}: token {} of {}", config.name, i, tokens.size()),
                        .what = "token id outside the vocabulary",
                        .expected = fmt::format("0 to {}", config.vocab_size - 1),
                        .found = fmt::format("{}", tokens[i]),
                        .next = "check that the tokenizer belongs to this model"});
}

void Transformer::Impl::embed(std::span<const std::int32_t> tokens) {
  for_each_row(std::ssize(tokens), [&](std::int64_t r) {
    const float* row = weights.embedding.data() + tokens[static_cast<std::size_t>(r)] * config.hidden_size;
    std::copy_n(row, config.hidden_size, act.x.row(r).begin());
  });
}

// x += output(attention(rope(query_key_value(norm(x)))))
void Transformer::Impl::attention_block(std::int64_t layer, const Pass& pass) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  norm(0, pass.rows, w.attention_norm);
  w.query_key_value.apply(act.normed.data(), pass.rows, act.qkv.data());
  split_and_rotate(pass);
  observe(layer, pass);
  pass.cache.append(layer, pass.rows, act.k.data(), act.v.data());
  attend({.layer = layer,
          .first_position = pass.first_position(),
          .rows = pass.rows,
          .q = act.q.data(),
          .scale = scale(),
          .out = act.attended.data()},
         pass.cache, pass.policy, pass.options.attention);
  w.output.apply_add(act.attended.data(), pass.rows, act.x.data());
}

// x += down(silu(gate(norm(x))) * up(norm(x)))
void Transformer::Impl::ffn_block(std::int64_t layer, const Pass& pass) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  norm(0, pass.rows, w.ffn_norm);
  w.gate_up.apply(act.normed.data(), pass.rows, act.gate_up.data());
  for_each_row(pass.rows, [&](std::int64_t r) {
    const auto ffn = static_cast<std::size_t>(config.ffn_size);
    const std::span<const float> both = act.gate_up.row(r);
    silu_multiply(both.first(ffn), both.last(ffn), act.gated.row(r));
  });
  w.down.apply_add(act.gated.data(), pass.rows, act.x.data());
}

void Transformer::Impl::split_and_rotate(const Pass& pass) {
  const auto dim = static_cast<std::size_t>(config.shape.head_dim);
  const auto rotate_heads = [&](std::span<const float> from, std::span<float> to, std::int64_t position) {
    for (std::size_t i = 0; i < from.size(); i += dim)
      rotate_halves(from.subspan(i, dim), rope.cos(position), rope.sin(position), to.subspan(i, dim));
  };
  for_each_row(pass.rows, [&](std::int64_t r) {
    const std::int64_t position = pass.first_position() + r;
    const std::span<const float> qkv = act.qkv.row(r);
    const std::span<float> q = act.q.row(r);
    const std::span<float> k = act.k.row(r);
    rotate_heads(qkv.first(q.size()), q, position);
    rotate_heads(qkv.subspan(q.size(), k.size()), k, position);
    const auto v = qkv.last(k.size());
    std::copy(v.begin(), v.end(), act.v.row(r).begin());
  });
}

void Transformer::Impl::observe(std::int64_t layer, const Pass& pass) {
  if (pass.options.layers == nullptr) return;
  pass.options.layers->on_layer({.layer = layer,
                                 .first_position = pass.first_position(),
                                 .rows = pass.rows,
                                 .q = act.q.data(),
                                 .k = act.k.data(),
                                 .v = act.v.data(),
                                 .scale = scale()});
}

void Transformer::Impl::norm(std::int64_t first_row, std::int64_t rows, std::span<const float> weight) {
  for_each_row(rows, [&](std::int64_t i) {
    const std::int64_t r = first_row + i;
    rms_norm(act.x.row(r), weight, static_cast<float>(config.norm_eps), act.normed.row(r));
  });
}

void Transformer::Impl::write_logits(std::int64_t first_row, std::int64_t rows, float* out) {
  norm(first_row, rows, weights.final_norm);
  weights.head.apply(act.normed.row(first_row).data(), rows, out);
}

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;
Transformer::~Transformer() = default;

Transformer Transformer::load(const std::filesystem::path& directory, Compute compute) {
  ModelConfig config = read_config(directory / "config.json");
  Weights weights = load_weights(directory, config, compute);
  return Transformer(std::make_unique<Impl>(std::move(config), std::move(weights)));
}

Transformer Transformer::random(ModelConfig config, std::uint64_t seed, Compute compute) {
  Weights weights = random_weights(config, seed, compute);
  return Transformer(std::make_unique<Impl>(std::move(config), std::move(weights)));
}

bool Transformer::rounds_activations() const {
  return impl_->weights.layers.front().query_key_value.rounds_input();
}

KvCache Transformer::new_cache(std::int64_t capacity, Prefilter prefilter, KvType type) const {
  return {config().shape, capacity, prefilter, type, rounds_activations() ? Compute::bf16 : Compute::f32};
}

const ModelConfig& Transformer::config() const {
  return impl_->config;
}

std::span<const float> Transformer::forward(std::span<const std::int32_t> tokens, KvCache& cache,
                                            const ResolvedPolicy& policy, const ForwardOptions& options) {
  Impl& m = *impl_;
  const std::int64_t rows = std::ssize(tokens);
  const std::int64_t first_logit =
      options.first_logit_row < 0 ? std::max<std::int64_t>(rows - 1, 0) : options.first_logit_row;
  assert(cache.shape() == m.config.shape && cache.length() + rows <= cache.capacity() && first_logit <= rows);
  m.require_known(tokens);
  m.rope.extend(cache.capacity());
  m.act.reserve(std::min(rows, options.chunk_rows));
  const auto logit_count = static_cast<std::size_t>((rows - first_logit) * m.config.vocab_size);
  if (m.logits.size() < logit_count) m.logits.resize(logit_count);

  for (std::int64_t first = 0; first < rows; first += options.chunk_rows) {
    const Pass pass{cache, policy, options, std::min(options.chunk_rows, rows - first)};
    m.embed(tokens.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(pass.rows)));
    for (std::int64_t l = 0; l < m.config.shape.num_layers; ++l) {
      m.attention_block(l, pass);
      m.ffn_block(l, pass);
    }
    cache.advance(pass.rows);
    const std::int64_t skip = std::max<std::int64_t>(first_logit - first, 0);
    if (skip < pass.rows)
      m.write_logits(skip, pass.rows - skip,
                     m.logits.data() + (first + skip - first_logit) * m.config.vocab_size);
  }
  return std::span<const float>(m.logits).first(logit_count);
}

}  // namespace toptheta
