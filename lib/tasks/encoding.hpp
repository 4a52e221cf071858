// Requests as token ids, by lm-evaluation-harness's rules (docs/method.md, "Metrics").
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace toptheta {

// Tokens of which the last ones are scored.
struct ScoredTokens {
  std::vector<std::int32_t> ids;
  std::int64_t first_scored = 1;  // index into ids, at least 1
};

// Context and continuation are encoded together and sliced at the context's own length; trailing spaces of
// the context move to the continuation. `start_token` stands before where `with_start`, and always before an
// empty context. Where ids are longer than max_tokens the beginning is cut off; `start_token` is cut with it,
// as the harness does. Throws InputError for an empty continuation.
ScoredTokens encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation,
                         std::int32_t start_token, bool with_start, std::int64_t max_tokens);

// Rolling protocol: every token of the document is scored once; windows do not overlap, and each sees one
// token of context, the first of them start_token, the others the last token of the window before. Each holds
// at most context_length + 1 ids, the last of which is not fed to the model.
std::vector<ScoredTokens> rolling_windows(std::span<const std::int32_t> document, std::int32_t start_token,
                                          std::int64_t context_length);

// Chunked protocol (llama-perplexity): start_token + document cut into full windows of context_length tokens;
// the first token of each is replaced by start_token and only the second half is scored. A rest is left out.
// Throws InputError where the document does not fill one window.
std::vector<ScoredTokens> chunked_windows(std::span<const std::int32_t> document, std::int32_t start_token,
                                          std::int64_t context_length);

// Documents for calibration: start_token and then the text, cut into consecutive pieces of at most
// context_length tokens, each beginning with start_token.
std::vector<std::vector<std::int32_t>> calibration_windows(std::span<const std::int32_t> document,
                                                           std::int32_t start_token,
                                                           std::int64_t context_length);

}  // namespace toptheta
