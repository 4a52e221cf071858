// Generation: token after token.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/sampling.hpp"
#include "model/transformer.hpp"

namespace toptheta {

struct GenerateOptions {
  std::int64_t max_new_tokens = 0;
  Sampler* sampler = nullptr;                   // draws the tokens; without one the likeliest is taken
  std::span<const std::int32_t> stop_tokens{};  // end the text, and do not belong to it
  // Told every new token as soon as it is known; false ends the text after it.
  std::function<bool(std::int32_t token)> on_token{};
  AttentionListeners prefill{};  // company of the prompt's attention
  AttentionListeners decode{};   // company of the steps after it
};

enum class GenerateEnd {
  stop_token,  // the model wrote one of the stop tokens
  length,      // max_new_tokens
  context,     // the model's context or the cache is full
  caller,      // on_token said so
};

struct Generation {
  std::vector<std::int32_t> tokens;
  GenerateEnd end = GenerateEnd::length;
};

// Runs `prompt` at positions cache.length() ..., then takes or draws one token after the other. Throws
// InputError for an empty prompt and one that does not fit the model's context or the cache.
Generation generate(Transformer& model, KvCache& cache, std::span<const std::int32_t> prompt,
                    const ResolvedPolicy& policy, const GenerateOptions& options);

}  // namespace toptheta
