#include "attention/output_error.hpp"

#include <cassert>
#include <cmath>
#include <vector>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

double cosine_of(double product, double squared_a, double squared_b) {
  if (squared_a == 0 || squared_b == 0) return squared_a == squared_b ? 1 : 0;
  return product / std::sqrt(squared_a) / std::sqrt(squared_b);
}

// Adds one row of a head, `dim` wide.
void add_row(const float* out, const float* dense, std::int64_t dim, OutputDifference& to) {
  double error = 0;
  double squared_out = 0;
  double squared_dense = 0;
  double product = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    const auto a = static_cast<double>(out[i]);
    const auto b = static_cast<double>(dense[i]);
    error += (a - b) * (a - b);
    squared_out += a * a;
    squared_dense += b * b;
    product += a * b;
  }
  // Rows that are equal to the bit have a cosine of 1, whatever rounding does to the roots.
  to.merge({1, error, squared_dense, error == 0 ? 1 : cosine_of(product, squared_out, squared_dense)});
}

}  // namespace

void attend_beside_dense(const AttentionCall& call, KvCache& cache, const ResolvedPolicy& policy,
                         AttentionListeners listeners) {
  assert(listeners.counts != nullptr);
  listeners.output_error = false;
  attend(call, cache, policy, listeners);
  const ModelShape& shape = cache.shape();
  std::vector<float> dense(static_cast<std::size_t>(call.rows * shape.num_heads * shape.head_dim));
  AttentionCall again = call;
  again.out = dense.data();
  attend(again, cache, dense_policy(shape));
  std::vector<OutputDifference> heads(static_cast<std::size_t>(shape.num_heads));
  parallel_for(shape.num_heads, [&](std::int64_t head) {
    for (std::int64_t row = 0; row < call.rows; ++row) {
      const std::int64_t at = (row * shape.num_heads + head) * shape.head_dim;
      add_row(call.out + at, dense.data() + at, shape.head_dim, heads[static_cast<std::size_t>(head)]);
    }
  });
  for (std::int64_t head = 0; head < shape.num_heads; ++head)
    listeners.counts->add_output(call.layer, head, heads[static_cast<std::size_t>(head)]);
}

}  // namespace toptheta
