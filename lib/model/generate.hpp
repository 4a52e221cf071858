// Generates text, token by token.
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
  Sampler* sampler = nullptr;                   // draws the tokens; null: the likeliest token is taken
  std::span<const std::int32_t> stop_tokens{};  // these end the text and do not belong to it
  // Called with every new token as soon as it is known; returning false ends the text after that token.
  std::function<bool(std::int32_t token)> on_token{};
  AttentionListeners prefill{};  // listeners to the prompt's attention
  AttentionListeners decode{};   // listeners to the attention of the steps after it
};

enum class GenerateEnd {
  stop_token,  // the model wrote one of the stop tokens
  length,      // there are max_new_tokens
  context,     // the model's context or the cache is full
  caller,      // on_token returned false
};

struct Generation {
  std::vector<std::int32_t> tokens;
  GenerateEnd end = GenerateEnd::length;
};

// Runs `prompt` at the positions from cache.length() on, then takes or draws one token after the other.
// Throws InputError for an empty prompt, and for one that does not fit into the model's context or the cache.
Generation generate(Transformer& model, KvCache& cache, std::span<const std::int32_t> prompt,
                    const ResolvedPolicy& policy, const GenerateOptions& options);

}  // namespace toptheta
