// One block of a decoder: norms, attention and feed-forward part, and how they are combined.
#include <algorithm>

#include "kernels/linear/elementwise.hpp"
#include "model/transformer_impl.hpp"

namespace toptheta {

float Transformer::Impl::norm_row(std::span<const float> x, const NormWeights& norm,
                                  std::span<float> out) const {
  const auto eps = static_cast<float>(config.norms.eps);
  if (config.norms.kind == Norms::Kind::layer) return layer_norm(x, norm.weight, norm.bias, eps, out);
  return rms_norm(x, norm.weight, eps, out);
}

void Transformer::Impl::norm(ActivationRows& x, const NormWeights& norm_weights, ActivationRows& out,
                             const Pass& pass, const Place& place, std::int64_t first_row) {
  RowWatch watch;
  for_each_row(pass.rows - first_row, [&](std::int64_t i) {
    const std::int64_t r = first_row + i;
    watch.see(r, norm_row(x.row(r), norm_weights, out.row(r)));
  });
  if (watch.found()) throw_not_finite(config, place, pass.first_position() + watch.first());
}

template <class Add>
void Transformer::Impl::add_branch(const NormWeights& post_norm, const Pass& pass, const Place& place,
                                   const Add& add) {
  if (!post_norm) return add(act.x);
  for_each_row(pass.rows, [&](std::int64_t r) {
    const std::span<float> row = act.branch.row(r);
    std::fill(row.begin(), row.end(), 0.0F);
  });
  add(act.branch);
  norm(act.branch, post_norm, act.branch, pass, place);
  for_each_row(pass.rows, [&](std::int64_t r) {
    const std::span<const float> from = act.branch.row(r);
    const std::span<float> to = act.x.row(r);
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] += from[i];
  });
}

void Transformer::Impl::block(std::int64_t layer, const Pass& pass) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  const Place before = layer == 0 ? Place{-1, "embedding"} : Place{layer - 1, kFeedForward};
  const Place attention_place{layer, "attention"};
  const bool parallel = config.block == Block::parallel;
  ActivationRows* input = &act.x;
  if (w.attention_norm) {
    norm(act.x, w.attention_norm, act.normed, pass, before);
    input = &act.normed;
  }
  // Both halves of a parallel block read the block's own input.
  ActivationRows* ffn_input = input;
  if (parallel && w.ffn_norm) {
    norm(act.x, w.ffn_norm, act.aside, pass, before);
    ffn_input = &act.aside;
  }
  attention(layer, *input, pass);
  add_branch(w.attention_post_norm, pass, attention_place,
             [&](ActivationRows& to) { w.output.apply_add(act.attended.data(), pass.rows, to.data()); });
  if (!parallel) {
    ffn_input = &act.x;
    if (w.ffn_norm) {
      norm(act.x, w.ffn_norm, act.normed, pass, attention_place);
      ffn_input = &act.normed;
    }
  }
  feed_forward(layer, *ffn_input, pass);
}

void Transformer::Impl::feed_forward(std::int64_t layer, ActivationRows& input, const Pass& pass) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  if (w.ffn.up.empty()) {
    mix_experts(w.experts, input, pass);
  } else {
    w.ffn.up.front().apply(input.data(), pass.rows, act.up.data());
    activate_rows(pass.rows, config.ffn_size);
  }
  add_branch(w.ffn_post_norm, pass, {layer, kFeedForward}, [&](ActivationRows& to) {
    if (!w.ffn.up.empty()) return w.ffn.down.front().apply_add(act.gated.data(), pass.rows, to.data());
    for_each_row(pass.rows, [&](std::int64_t r) {
      const std::span<const float> from = expert_sums.row(r);
      const std::span<float> sum = to.row(r);
      for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] += from[i];
    });
  });
}

void Transformer::Impl::activate_rows(std::int64_t rows, std::int64_t ffn) {
  const auto size = static_cast<std::size_t>(ffn);
  const bool gated = config.gated();
  for_each_row(rows, [&](std::int64_t r) {
    const std::size_t width = gated ? 2 * size : size;
    const std::span<const float> up{act.up.data() + static_cast<std::size_t>(r) * width, width};
    const std::span<float> out{act.gated.data() + static_cast<std::size_t>(r) * size, size};
    if (gated)
      activate_gated(config.ffn, up.first(size), up.last(size), out);
    else
      activate(config.ffn, up, out);
  });
}

}  // namespace toptheta
