#include "calibrate/model_texts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "eval/session.hpp"
#include "io/text_file.hpp"
#include "tasks/requests.hpp"
#include "tokenizer/token_ids.hpp"

namespace toptheta {

namespace {

// Cuts a document into windows, each of which is named after it.
void add_windows(std::vector<TextWindow>& windows, const std::string& name,
                 std::span<const std::int32_t> tokens, std::int64_t context) {
  const std::int64_t document = windows.empty() ? 0 : windows.back().document + 1;
  auto parts = consecutive_windows(tokens, context);
  for (std::size_t i = 0; i < parts.size(); ++i)
    windows.push_back(
        {parts.size() == 1 ? name : fmt::format("{} window {}", name, i), std::move(parts[i]), document});
}

}  // namespace

std::vector<TextWindow> text_windows(const LanguageModel& model,
                                     const std::vector<std::filesystem::path>& files, std::int64_t context,
                                     const std::vector<std::filesystem::path>& id_files) {
  const ModelConfig& config = model.transformer.config();
  if (context < 0 || context > config.context)
    throw UsageError({.where = "--context",
                      .what = "not a context length of this model",
                      .expected = fmt::format("1 to {} tokens", config.context),
                      .found = fmt::format("{}", context)});
  const std::int64_t length = context > 0 ? context : config.context;
  std::vector<TextWindow> windows;
  for (const auto& file : files) {
    std::vector<std::int32_t> tokens = model.tokenizer.encode(read_text_file(file));
    if (tokens.empty())
      throw InputError(
          {.where = file.string(), .what = "the text is empty", .next = "give a file with text in it"});
    tokens.insert(tokens.begin(), start_token(model));
    add_windows(windows, file.string(), tokens, length);
  }
  for (const auto& file : id_files) {
    const auto sequences = read_token_ids(file, config.vocab_size);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      const std::string name =
          sequences.size() == 1 ? file.string() : fmt::format("{} sequence {}", file.string(), i);
      if (sequences[i].empty()) throw InputError({.where = name, .what = "a sequence of no token ids"});
      add_windows(windows, name, sequences[i], length);
    }
    if (sequences.empty()) throw InputError({.where = file.string(), .what = "no token ids"});
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
