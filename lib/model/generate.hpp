// Greedy generation: a prefill of the prompt, then one decode step per token.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/transformer.hpp"

namespace toptheta {

struct GenerateOptions {
  std::int64_t max_new_tokens = 1;
  std::span<const std::int32_t>
      end_tokens{};  // generation ends at one of these; it is not part of the result
  // Sees every new token; returning false ends generation after it.
  std::function<bool(std::int32_t token)> on_token{};
  SequenceCounts* prompt_counts = nullptr;  // counts of the prefill
  SequenceCounts* decode_counts = nullptr;  // counts of the decode steps
};

// Appends prompt and new tokens to `cache`, which needs room for both. The most likely token is taken, the
// lowest id among equals. Requires a prompt.
std::vector<std::int32_t> generate_greedily(Transformer& model, std::span<const std::int32_t> prompt,
                                            KvCache& cache, const ResolvedPolicy& policy,
                                            const GenerateOptions& options);

}  // namespace toptheta
