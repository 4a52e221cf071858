// From texts to the token sequences that a model scores.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace toptheta {

// A context and its continuation, tokenised together. The model reads all ids but the last; the
// log-likelihoods of the ids from `context_tokens` on add up to the continuation's.
struct TokenPair {
  std::vector<std::int32_t> ids;
  std::int64_t context_tokens = 0;  // 1 <= context_tokens < ids.size()
};

// White space at the end of the context belongs to the continuation. The ids start with BOS where the
// tokenizer puts one; the cut is at the number of tokens of the context by itself. An empty context becomes
// `start`. Throws InputError where the continuation adds no token to its context, and on invalid
// UTF-8.
TokenPair encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation,
                      std::int32_t start);

// Drops the oldest ids so that the model reads at most `context_length` tokens. Throws InputError if the
// continuation alone is longer.
void fit_context(TokenPair& pair, std::int64_t context_length);

// A stretch of a text. The last targets.size() positions of the input predict the targets, one each.
struct Window {
  std::vector<std::int32_t> input;    // at most the context length
  std::vector<std::int32_t> targets;  // at least one, at most input.size()
  bool operator==(const Window&) const = default;
};

// Rolling protocol (lm-evaluation-harness): every token is scored exactly once, the first after `start`. Each
// window scores as many tokens as the context holds, after one token of context; the last, which has fewer
// left to score, reaches back over scored tokens to fill the context. Requires context_length >= 1.
std::vector<Window> rolling_windows(std::span<const std::int32_t> tokens, std::int32_t start,
                                    std::int64_t context_length);

// Chunked protocol (llama-perplexity): the text, after `bos` where there is one, is cut into windows of
// `context_length` tokens, the rest is left out; the first token of each is replaced by `bos`; its second
// half is scored (the tokens after position context_length / 2). Requires context_length >= 3; too short a
// text has no window.
std::vector<Window> chunked_windows(std::span<const std::int32_t> tokens, std::optional<std::int32_t> bos,
                                    std::int64_t context_length);

// The tokens cut into consecutive parts of `context_length`, the last one shorter: what calibration reads.
// Requires context_length >= 1.
std::vector<std::vector<std::int32_t>> consecutive_windows(std::span<const std::int32_t> tokens,
                                                           std::int64_t context_length);

}  // namespace toptheta
