#include "model/weights.hpp"

namespace toptheta {

namespace {

void add(WeightSize& size, const std::vector<float>& values) {
  size.parameters += static_cast<std::int64_t>(values.size());
  size.bytes += static_cast<std::int64_t>(values.size() * sizeof(float));
}

void add(WeightSize& size, const NormWeights& norm) {
  add(size, norm.weight);
  add(size, norm.bias);
}

void add(WeightSize& size, const Linear& product) {
  size.parameters += product.in_features() * product.out_features() + product.bias_size();
  size.bytes += product.bytes();
}

void add(WeightSize& size, const std::vector<Linear>& products) {
  for (const Linear& product : products)
    add(size, product);
}

}  // namespace

WeightSize size_of(const Weights& weights, bool tied) {
  WeightSize size;
  add(size, weights.embedding);
  if (tied) size.parameters = 0;  // counted with the head
  add(size, weights.positions);
  for (const LayerWeights& layer : weights.layers) {
    for (const NormWeights* norm : {&layer.attention_norm, &layer.query_norm, &layer.key_norm,
                                    &layer.attention_post_norm, &layer.ffn_norm, &layer.ffn_post_norm})
      add(size, *norm);
    add(size, layer.sinks);
    for (const Linear* product : {&layer.query_key_value, &layer.output})
      add(size, *product);
    for (const auto* products :
         {&layer.ffn.up, &layer.ffn.down, &layer.experts.router, &layer.experts.up, &layer.experts.down})
      add(size, *products);
  }
  add(size, weights.final_norm);
  add(size, weights.head);
  size.kept_codes = weights.kept_codes;
  return size;
}

}  // namespace toptheta
