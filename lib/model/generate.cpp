#include "model/generate.hpp"

#include <algorithm>

namespace toptheta {

std::vector<std::int32_t> generate_greedily(Transformer& model, std::span<const std::int32_t> prompt,
                                            KvCache& cache, const ResolvedPolicy& policy,
                                            const GenerateOptions& options) {
  std::vector<std::int32_t> generated;
  auto logits = model.forward(prompt, cache, policy, {.attention = {.counts = options.prompt_counts}});
  while (static_cast<std::int64_t>(generated.size()) < options.max_new_tokens) {
    const auto token =
        static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    if (std::find(options.end_tokens.begin(), options.end_tokens.end(), token) != options.end_tokens.end())
      break;
    generated.push_back(token);
    if (options.on_token && !options.on_token(token)) break;
    if (static_cast<std::int64_t>(generated.size()) == options.max_new_tokens) break;
    logits = model.forward({&generated.back(), 1}, cache, policy,
                           {.attention = {.counts = options.decode_counts}});
  }
  return generated;
}

}  // namespace toptheta
