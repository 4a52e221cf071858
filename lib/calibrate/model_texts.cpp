#include "calibrate/model_texts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "eval/session.hpp"
#include "io/text_file.hpp"
#include "tasks/requests.hpp"

namespace toptheta {

std::vector<TextWindow> text_windows(const LanguageModel& model,
                                     const std::vector<std::filesystem::path>& files, std::int64_t context) {
  const std::int64_t limit = model.transformer.config().context;
  if (context < 0 || context > limit)
    throw UsageError({.where = "--context",
                      .what = "not a context length of this model",
                      .expected = fmt::format("1 to {} tokens", limit),
                      .found = fmt::format("{}", context)});
  std::vector<TextWindow> windows;
  for (std::size_t document = 0; document < files.size(); ++document) {
    const auto& file = files[document];
    std::vector<std::int32_t> tokens = model.tokenizer.encode(read_text_file(file));
    if (tokens.empty())
      throw InputError(
          {.where = file.string(), .what = "the text is empty", .next = "give a text with words in it"});
    tokens.insert(tokens.begin(), start_token(model));
    auto parts = consecutive_windows(tokens, context > 0 ? context : limit);
    for (std::size_t i = 0; i < parts.size(); ++i)
      windows.push_back({parts.size() == 1 ? file.string() : fmt::format("{} window {}", file.string(), i),
                         std::move(parts[i]), static_cast<std::int64_t>(document)});
  }
  return windows;
}

void run_window(Transformer& model, const TextWindow& window, KvCache& cache, const ResolvedPolicy& policy,
                const ForwardOptions& options) {
  cache.truncate(0);
  const std::span<const std::int32_t> tokens(window.tokens);
  for (std::size_t begin = 0; begin < tokens.size(); begin += PolicySession::kPiece) {
    const std::size_t rows = std::min<std::size_t>(PolicySession::kPiece, tokens.size() - begin);
    ForwardOptions piece = options;
    piece.first_logit_row = static_cast<std::int64_t>(rows);
    model.forward(tokens.subspan(begin, rows), cache, policy, piece);
  }
}

}  // namespace toptheta
