// The next token from a model's logits: the likeliest, or drawn at random.
#pragma once
#include <cstdint>
#include <span>

#include "core/random.hpp"

namespace toptheta {

// Index of the largest logit, the first on ties. Logits that are no numbers lose against all others.
std::int32_t greedy_token(std::span<const float> logits);

// As transformers' generate applies them, in this order.
struct SamplingOptions {
  double temperature = 1;  // divides the logits; above 0
  std::int64_t top_k = 0;  // only the k largest, and what equals the last of them; 0: all
  double top_p = 1;        // then only the likeliest, as few as reach this probability together
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  // of the seed: texts that are drawn apart take one each
};

class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options)
      : options_(options), random_(options.seed, options.stream) {}

  // Draws one token; the same logits and seed give the same tokens, whatever the number of threads. Requires
  // a logit. O(vocabulary), and sorts what is needed to reach top_p.
  std::int32_t draw(std::span<const float> logits);

 private:
  SamplingOptions options_;
  Random random_;
};

}  // namespace toptheta
