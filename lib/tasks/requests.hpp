// Turns texts into the token sequences that a model scores.
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

// Encodes a context with its continuation. White space at the end of the context is moved to the
// continuation. The ids start with BOS if the tokenizer adds it; else, if the context is empty, with `start`.
// The context has as many tokens as it has when encoded alone. Throws InputError if the continuation adds no
// token to its context, and for invalid UTF-8.
TokenPair encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation,
                      std::int32_t start);

// Drops the oldest ids so that the model reads at most `context_length` tokens. Throws InputError if the
// continuation alone is longer.
void fit_context(TokenPair& pair, std::int64_t context_length);

// A part of a text. The last targets.size() positions of the input predict one target each.
struct Window {
  std::vector<std::int32_t> input;    // at most the context length
  std::vector<std::int32_t> targets;  // at least one, at most input.size()
  bool operator==(const Window&) const = default;
};

// The rolling protocol of lm-evaluation-harness: every token is scored exactly once, the first one after
// `start`. Each window scores as many tokens as the context holds, after one token of context. The last
// window has fewer tokens left to score and fills the context with tokens that are scored already. Requires
// context_length >= 1.
std::vector<Window> rolling_windows(std::span<const std::int32_t> tokens, std::int32_t start,
                                    std::int64_t context_length);

// The chunked protocol of llama-perplexity: the text, after `bos` if there is one, is cut into windows of
// `context_length` tokens, and the rest is left out. The first token of each window is replaced by `bos`, and
// the tokens after position context_length / 2 are scored. Requires context_length >= 3. A text that is too
// short has no window.
std::vector<Window> chunked_windows(std::span<const std::int32_t> tokens, std::optional<std::int32_t> bos,
                                    std::int64_t context_length);

// The tokens in consecutive parts of `context_length`, of which the last may be shorter, as calibration reads
// them. Requires context_length >= 1.
std::vector<std::vector<std::int32_t>> consecutive_windows(std::span<const std::int32_t> tokens,
                                                           std::int64_t context_length);

}  // namespace toptheta
