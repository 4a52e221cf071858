// The attention of a layer: from the product that gives queries, keys and values to the attended output.
#include <algorithm>

#include "kernels/linear/elementwise.hpp"
#include "model/transformer_impl.hpp"

namespace toptheta {

void Transformer::Impl::attention(std::int64_t layer, ActivationRows& input, const Pass& pass) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  w.query_key_value.apply(input.data(), pass.rows, act.qkv.data());
  split_and_rotate(layer, pass);
  observe(layer, pass);
  pass.cache.append(layer, pass.rows, act.k.data(), act.v.data());
  attend({.layer = layer,
          .first_position = pass.first_position(),
          .rows = pass.rows,
          .q = act.q.data(),
          .scale = static_cast<float>(config.attention_scale(layer)),
          .out = act.attended.data(),
          .arithmetic = {.window = config.layers[static_cast<std::size_t>(layer)].window,
                         .soft_cap = static_cast<float>(config.score_cap),
                         .sinks = w.sinks}},
         pass.cache, pass.policy, pass.options.attention);
}

void Transformer::Impl::split_and_rotate(std::int64_t layer, const Pass& pass) {
  const bool small_cache = pass.cache.type() == KvType::f16;
  RowWatch watch;
  for_each_row(pass.rows, [&](std::int64_t r) {
    place_head_rows(layer, r, pass.first_position() + r);
    // With NaN or infinite inputs, attention may not terminate, and its result would mean nothing.
    const float cached = std::max(largest_magnitude(act.k.row(r)), largest_magnitude(act.v.row(r)));
    const float query = largest_magnitude(act.q.row(r));
    // For a NaN both comparisons are false.
    const bool usable = query <= kLargestScoring && cached <= (small_cache ? kLargestF16 : kLargestScoring);
    if (!usable) watch.see(r, std::numeric_limits<float>::infinity());
  });
  if (!watch.found()) return;
  const std::int64_t row = watch.first();
  throw_unusable(config, layer, pass.first_position() + row, pass.cache.type(), act.q.row(row),
                 act.k.row(row), act.v.row(row));
}

// Splits one row of the product into queries, keys and values; norms queries and keys if the model does, and
// rotates them.
void Transformer::Impl::place_head_rows(std::int64_t layer, std::int64_t row, std::int64_t position) {
  const LayerWeights& w = weights.layers[static_cast<std::size_t>(layer)];
  const std::int64_t rope = config.layers[static_cast<std::size_t>(layer)].rope;
  const auto dim = static_cast<std::size_t>(config.shape.head_dim);
  const bool whole = config.query_key_norm == QueryKeyNorm::whole;
  const auto place = [&](std::span<float> from, const NormWeights& norm_weights, std::span<float> to) {
    if (norm_weights && whole) (void)norm_row(from, norm_weights, from);
    for (std::size_t i = 0; i < from.size(); i += dim) {
      const std::span<float> head = from.subspan(i, dim);
      const std::span<float> out = to.subspan(i, dim);
      if (norm_weights && !whole) (void)norm_row(head, norm_weights, head);
      std::size_t rotated = 0;
      if (rope >= 0) {
        const RopeTable& table = ropes[static_cast<std::size_t>(rope)];
        rotated = static_cast<std::size_t>(table.dims());
        rotate_halves(head.first(rotated), table.cos(position), table.sin(position), out.first(rotated));
      }
      std::copy(head.begin() + static_cast<std::ptrdiff_t>(rotated), head.end(),
                out.begin() + static_cast<std::ptrdiff_t>(rotated));
    }
  };
  const std::span<float> qkv = act.qkv.row(row);
  const std::span<float> q = act.q.row(row);
  const std::span<float> k = act.k.row(row);
  place(qkv.first(q.size()), w.query_norm, q);
  place(qkv.subspan(q.size(), k.size()), w.key_norm, k);
  const auto v = qkv.last(k.size());
  std::copy(v.begin(), v.end(), act.v.row(row).begin());
}

void Transformer::Impl::observe(std::int64_t layer, const Pass& pass) {
  if (pass.options.layers == nullptr) return;
  pass.options.layers->on_layer({.layer = layer,
                                 .first_position = pass.first_position(),
                                 .rows = pass.rows,
                                 .q = act.q.data(),
                                 .k = act.k.data(),
                                 .v = act.v.data(),
                                 .scale = static_cast<float>(config.attention_scale(layer))});
}

}  // namespace toptheta
