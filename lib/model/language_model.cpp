#include "model/language_model.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "model/gguf_model.hpp"

namespace toptheta {

namespace {

// A model may have more rows than its tokenizer has tokens (padding), not fewer.
void require_vocabulary(const Tokenizer& tokenizer, const ModelConfig& config,
                        const std::filesystem::path& path) {
  if (tokenizer.vocab_size() <= config.vocab_size) return;
  throw InputError({.where = path.string(),
                    .what = "does not fit the model",
                    .expected = fmt::format("token ids below vocab_size, {}", config.vocab_size),
                    .found = fmt::format("ids up to {}", tokenizer.vocab_size() - 1),
                    .next = "use the model's own tokenizer"});
}

}  // namespace

LanguageModel load_language_model(const std::filesystem::path& path, Compute compute) {
  ModelFiles files = open_model(path);
  // The tokenizer first: it is read faster than the weights, and fails as often.
  const std::filesystem::path tokenizer_path =
      is_gguf(path) ? path : model_directory(path) / "tokenizer.json";
  Tokenizer tokenizer = is_gguf(path) ? Tokenizer::from_gguf(read_gguf_vocabulary(path))
                                      : Tokenizer::load_directory(model_directory(path));
  require_vocabulary(tokenizer, files.config, tokenizer_path);
  const auto own_bos = tokenizer.bos();
  const auto bos = own_bos ? own_bos : files.config.bos_token;
  std::vector<std::int32_t> eos = files.config.eos_tokens;
  return {.transformer = Transformer::load(std::move(files), compute),
          .tokenizer = std::move(tokenizer),
          .sha256 = sha256_of_path(path),
          .bos_token = bos,
          .eos_tokens = std::move(eos)};
}

std::int32_t start_token(const LanguageModel& model) {
  if (model.bos_token) return *model.bos_token;
  if (!model.eos_tokens.empty()) return model.eos_tokens.front();
  throw InputError({.where = model.transformer.config().name,
                    .what = "no token to start a text with",
                    .expected = "bos_token_id or eos_token_id in config.json, or a tokenizer that adds one"});
}

std::vector<std::int32_t> encode_prompt(const LanguageModel& model, std::string_view text) {
  std::vector<std::int32_t> ids = model.tokenizer.encode(text);
  if (model.tokenizer.bos() || ids.empty()) ids.insert(ids.begin(), start_token(model));
  return ids;
}

}  // namespace toptheta
