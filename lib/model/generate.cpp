#include "model/generate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"

namespace toptheta {

namespace {

void require_fit(std::int64_t prompt, std::int64_t before, std::int64_t limit, const std::string& model) {
  if (prompt == 0)
    throw InputError({.where = "prompt",
                      .what = "no tokens",
                      .expected = "at least one token to continue from",
                      .found = "an empty prompt",
                      .next = "begin with the model's BOS token"});
  if (before + prompt > limit)
    throw InputError({.where = "prompt",
                      .what = fmt::format("longer than the context of model {}", model),
                      .expected = fmt::format("at most {} tokens", limit - before),
                      .found = fmt::format("{} tokens", prompt),
                      .next = "shorten the prompt"});
}

}  // namespace

Generation generate(Transformer& model, KvCache& cache, std::span<const std::int32_t> prompt,
                    const ResolvedPolicy& policy, const GenerateOptions& options) {
  const std::int64_t limit = std::min(model.config().context, cache.capacity());
  require_fit(std::ssize(prompt), cache.length(), limit, model.config().name);
  const auto& stops = options.stop_tokens;
  Generation result;
  AttentionListeners prefill = options.prefill;
  prefill.dense_to = cache.length() + std::ssize(prompt);
  prefill.dense_from = std::max(cache.length(), prefill.dense_to - policy.policy().dense_last);
  AttentionListeners decode = options.decode;
  decode.phase = Phase::decode;
  auto logits = model.forward(prompt, cache, policy, {.attention = prefill});
  while (std::ssize(result.tokens) < options.max_new_tokens) {
    const std::int32_t token =
        options.sampler != nullptr ? options.sampler->draw(logits) : greedy_token(logits);
    if (std::find(stops.begin(), stops.end(), token) != stops.end()) {
      result.end = GenerateEnd::stop_token;
      return result;
    }
    result.tokens.push_back(token);
    if (options.on_token && !options.on_token(token)) {
      result.end = GenerateEnd::caller;
      return result;
    }
    if (std::ssize(result.tokens) == options.max_new_tokens) break;
    if (cache.length() == limit) {
      result.end = GenerateEnd::context;
      return result;
    }
    logits = model.forward({&token, 1}, cache, policy, {.attention = decode});
  }
  return result;
}

}  // namespace toptheta
