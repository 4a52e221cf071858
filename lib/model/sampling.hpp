// Chooses the next token from a model's logits: the likeliest, or one drawn at random.
#pragma once
#include <cstdint>
#include <span>

#include "core/random.hpp"

namespace toptheta {

// The index of the largest logit, the first on ties. A NaN loses against every other logit.
std::int32_t greedy_token(std::span<const float> logits);

// The settings are applied in this order, as in transformers' generate().
struct SamplingOptions {
  double temperature = 1;  // divides the logits; above 0
  std::int64_t top_k = 0;  // keep only the k largest, and those equal to the last of them; 0: keep all
  double top_p = 1;        // then keep only the likeliest tokens, as few as together reach this probability
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  // a stream of the seed; independent texts take different streams
};

class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options)
      : options_(options), random_(options.seed, options.stream) {}

  // Draws one token. The same logits and seed give the same tokens at any number of threads. Requires at
  // least one logit. Time: O(vocabulary), plus sorting as many logits as it takes to reach top_p.
  std::int32_t draw(std::span<const float> logits);

 private:
  SamplingOptions options_;
  Random random_;
};

}  // namespace toptheta
