#include "model/transformer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "kernels/elementwise.hpp"
#include "model/rope.hpp"
#include "model/weights.hpp"

namespace toptheta {

namespace {

// Rows that one piece of parallel element-wise work covers.
constexpr std::int64_t kRowTile = 16;
// Longer prefills run in pieces of this many rows, which bounds the activations' memory.
constexpr std::int64_t kPrefillPiece = 512;

void for_each_row(std::int64_t rows, const std::function<void(std::int64_t row)>& body) {
  parallel_for((rows + kRowTile - 1) / kRowTile, [&](std::int64_t tile) {
    for (std::int64_t r = tile * kRowTile; r < std::min(rows, (tile + 1) * kRowTile); ++r)
      body(r);
  });
}

// Activations of one piece; they grow to the largest piece seen and stay, so that a decode step allocates
// nothing.
struct Workspace {
  std::vector<float> residual;    // [rows, hidden]
  std::vector<float> normed;      // [rows, hidden]
  std::vector<float> qkv;         // [rows, (num_heads + 2 * num_kv_heads) * head_dim]
  std::vector<float> q;           // [rows, num_heads, head_dim]
  std::vector<float> k;           // [rows, num_kv_heads, head_dim]
  std::vector<float> v;           // [rows, num_kv_heads, head_dim]
  std::vector<float> attended;    // [rows, num_heads, head_dim]
  std::vector<float> projected;   // [rows, hidden]
  std::vector<float> gate_up;     // [rows, 2 * ffn]
  std::vector<float> activation;  // [rows, ffn]
  std::vector<float> logits;      // [logit rows, vocab_size]
};

float* sized(std::vector<float>& buffer, std::int64_t rows, std::int64_t columns) {
  const auto size = static_cast<std::size_t>(rows * columns);
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

std::span<float> row_of(float* buffer, std::int64_t row, std::int64_t columns) {
  return {buffer + row * columns, static_cast<std::size_t>(columns)};
}

}  // namespace

struct Transformer::Impl {
  ModelConfig config;
  Weights weights;
  RopeTable rope;
  Workspace work;

  void embed(std::span<const std::int32_t> tokens);
  void attention_block(std::int64_t layer, std::int64_t rows, KvCache& cache, const ResolvedPolicy& policy,
                       const ForwardOptions& options);
  void split_and_rotate(std::int64_t rows, std::int64_t first_position);
  void ffn_block(std::int64_t layer, std::int64_t rows);
  void norm_rows(const std::vector<float>& weight, std::int64_t first_row, std::int64_t rows);
  void add_to_residual(std::int64_t rows);
  void run_piece(std::span<const std::int32_t> tokens, KvCache& cache, const ResolvedPolicy& policy,
                 const ForwardOptions& options);
  // Logits of rows [first_row, rows) of the piece just run, written from row `at` of work.logits on.
  void project_logits(std::int64_t first_row, std::int64_t rows, std::int64_t at);
};

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;
Transformer::~Transformer() = default;

Transformer Transformer::load(const std::filesystem::path& directory) {
  ModelConfig config = read_config(directory / "config.json");
  Weights weights = load_weights(directory, config);
  RopeTable rope(rope_frequencies(config));
  return Transformer(
      std::make_unique<Impl>(Impl{std::move(config), std::move(weights), std::move(rope), Workspace{}}));
}

const ModelConfig& Transformer::config() const {
  return impl_->config;
}

// residual = E[token]
void Transformer::Impl::embed(std::span<const std::int32_t> tokens) {
  const std::int64_t hidden = config.hidden_size;
  float* const residual = sized(work.residual, static_cast<std::int64_t>(tokens.size()), hidden);
  for (std::size_t r = 0; r < tokens.size(); ++r)
    std::copy_n(weights.embedding.data() + tokens[r] * hidden, hidden,
                residual + static_cast<std::int64_t>(r) * hidden);
}

void Transformer::Impl::norm_rows(const std::vector<float>& weight, std::int64_t first_row,
                                  std::int64_t rows) {
  const std::int64_t hidden = config.hidden_size;
  float* const normed = sized(work.normed, rows, hidden);
  const auto eps = static_cast<float>(config.norm_eps);
  for_each_row(rows, [&](std::int64_t r) {
    rms_norm(row_of(work.residual.data(), first_row + r, hidden), weight, eps, row_of(normed, r, hidden));
  });
}

void Transformer::Impl::add_to_residual(std::int64_t rows) {
  const std::int64_t hidden = config.hidden_size;
  for_each_row(rows, [&](std::int64_t r) {
    add_to(row_of(work.residual.data(), r, hidden), row_of(work.projected.data(), r, hidden));
  });
}

// q, k, v out of the fused product, q and k rotated by their positions.
void Transformer::Impl::split_and_rotate(std::int64_t rows, std::int64_t first_position) {
  const ModelShape& shape = config.shape;
  const std::int64_t dim = shape.head_dim;
  const std::int64_t q_size = shape.num_heads * dim;
  const std::int64_t kv_size = shape.num_kv_heads * dim;
  float* const q = sized(work.q, rows, q_size);
  float* const k = sized(work.k, rows, kv_size);
  float* const v = sized(work.v, rows, kv_size);
  for_each_row(rows, [&](std::int64_t r) {
    float* const qkv = work.qkv.data() + r * (q_size + 2 * kv_size);
    const auto cos = rope.cos(first_position + r);
    const auto sin = rope.sin(first_position + r);
    for (std::int64_t h = 0; h < shape.num_heads; ++h)
      rotate_halves(row_of(qkv, h, dim), cos, sin, row_of(q + r * q_size, h, dim));
    for (std::int64_t g = 0; g < shape.num_kv_heads; ++g)
      rotate_halves(row_of(qkv + q_size, g, dim), cos, sin, row_of(k + r * kv_size, g, dim));
    std::copy_n(qkv + q_size + kv_size, kv_size, v + r * kv_size);
  });
}

// residual += W_o attention(norm(residual))
void Transformer::Impl::attention_block(std::int64_t layer, std::int64_t rows, KvCache& cache,
                                        const ResolvedPolicy& policy, const ForwardOptions& options) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  const ModelShape& shape = config.shape;
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(shape.head_dim)));
  const std::int64_t first_position = cache.length();
  norm_rows(w.attention_norm, 0, rows);
  w.query_key_value.apply(work.normed.data(), rows, sized(work.qkv, rows, w.query_key_value.out_features()));
  split_and_rotate(rows, first_position);
  if (options.layers != nullptr)
    options.layers->on_layer(
        {layer, first_position, rows, work.q.data(), work.k.data(), work.v.data(), scale});
  cache.append(layer, rows, work.k.data(), work.v.data());
  float* const attended = sized(work.attended, rows, shape.num_heads * shape.head_dim);
  attend({layer, first_position, rows, work.q.data(), scale, attended}, cache, policy, options.attention);
  w.output.apply(attended, rows, sized(work.projected, rows, config.hidden_size));
  add_to_residual(rows);
}

// residual += W_down (silu(W_gate x) * (W_up x)), x = norm(residual)
void Transformer::Impl::ffn_block(std::int64_t layer, std::int64_t rows) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  const std::int64_t ffn = config.ffn_size;
  norm_rows(w.ffn_norm, 0, rows);
  float* const gate_up = sized(work.gate_up, rows, 2 * ffn);
  w.gate_up.apply(work.normed.data(), rows, gate_up);
  float* const activation = sized(work.activation, rows, ffn);
  for_each_row(rows, [&](std::int64_t r) {
    silu_multiply(row_of(gate_up, 2 * r, ffn), row_of(gate_up, 2 * r + 1, ffn), row_of(activation, r, ffn));
  });
  w.down.apply(activation, rows, sized(work.projected, rows, config.hidden_size));
  add_to_residual(rows);
}

void Transformer::Impl::run_piece(std::span<const std::int32_t> tokens, KvCache& cache,
                                  const ResolvedPolicy& policy, const ForwardOptions& options) {
  const auto rows = static_cast<std::int64_t>(tokens.size());
  rope.extend(cache.length() + rows);
  embed(tokens);
  for (std::int64_t layer = 0; layer < config.shape.num_layers; ++layer) {
    attention_block(layer, rows, cache, policy, options);
    ffn_block(layer, rows);
  }
  cache.advance(rows);
}

void Transformer::Impl::project_logits(std::int64_t first_row, std::int64_t rows, std::int64_t at) {
  norm_rows(weights.final_norm, first_row, rows - first_row);
  weights.head.apply(work.normed.data(), rows - first_row, work.logits.data() + at * config.vocab_size);
}

std::span<const float> Transformer::forward(std::span<const std::int32_t> tokens, KvCache& cache,
                                            const ResolvedPolicy& policy, const ForwardOptions& options) {
  const std::int64_t vocab = impl_->config.vocab_size;
  for (const std::int32_t token : tokens)
    if (token < 0 || token >= vocab)
      throw InputError({.where = "tokens",
                        .what = "token outside the model's vocabulary",
                        .expected = fmt::format("0 to {}", vocab - 1),
                        .found = fmt::format("{}", token),
                        .next = "use the tokenizer that belongs to the model"});
  const auto rows = static_cast<std::int64_t>(tokens.size());
  assert(rows > 0 && cache.length() + rows <= cache.capacity());
  const std::int64_t first_logit =
      options.first_logit_row < 0 ? rows - 1 : std::min(options.first_logit_row, rows);
  sized(impl_->work.logits, rows - first_logit, vocab);
  for (std::int64_t begin = 0; begin < rows; begin += kPrefillPiece) {
    const std::int64_t end = std::min(rows, begin + kPrefillPiece);
    impl_->run_piece(tokens.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                     cache, policy, options);
    const std::int64_t from = std::max(first_logit, begin);
    if (from < end) impl_->project_logits(from - begin, end - begin, from - first_logit);
  }
  return {impl_->work.logits.data(), static_cast<std::size_t>((rows - first_logit) * vocab)};
}

}  // namespace toptheta
