#include "model/language_model.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/sha256.hpp"

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
                    .next = "put the model's own tokenizer.json beside its config.json"});
}

}  // namespace

LanguageModel load_language_model(const std::filesystem::path& directory, Compute compute) {
  // The tokenizer first: it is read faster than the weights, and fails as often.
  const std::filesystem::path tokenizer_path = directory / "tokenizer.json";
  const ModelConfig config = read_config(directory / "config.json");
  Tokenizer tokenizer = Tokenizer::load(tokenizer_path);
  require_vocabulary(tokenizer, config, tokenizer_path);
  const auto own_bos = tokenizer.bos();
  return {.transformer = Transformer::load(directory, compute),
          .tokenizer = std::move(tokenizer),
          .sha256 = sha256_of_path(directory),
          .bos_token = own_bos ? own_bos : config.bos_token,
          .eos_tokens = config.eos_tokens};
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
