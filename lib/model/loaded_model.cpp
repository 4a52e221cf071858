#include "model/loaded_model.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace toptheta {

namespace {

std::int32_t start_token(const Tokenizer& tokenizer, const ModelConfig& config, const std::string& path) {
  if (const auto bos = tokenizer.bos()) return *bos;
  if (config.bos_token) return *config.bos_token;
  if (!config.eos_tokens.empty()) return config.eos_tokens.front();
  throw InputError({.where = path,
                    .what = "no token to start a text with",
                    .expected = "bos_token_id or eos_token_id in config.json, or a tokenizer that adds one"});
}

}  // namespace

LoadedModel load_model(const std::filesystem::path& directory) {
  if (!std::filesystem::is_directory(directory))
    throw InputError({.where = directory.string(),
                      .what = "no such model directory",
                      .expected = "a directory with config.json, model.safetensors and tokenizer.json"});
  Transformer transformer = Transformer::load(directory);
  Tokenizer tokenizer = Tokenizer::load(directory / "tokenizer.json");
  const ModelConfig& config = transformer.config();
  if (tokenizer.vocab_size() > config.vocab_size)
    throw InputError({.where = (directory / "tokenizer.json").string(),
                      .what = "the tokenizer does not belong to this model",
                      .expected = fmt::format("at most {} tokens, from config.json", config.vocab_size),
                      .found = fmt::format("{} tokens", tokenizer.vocab_size())});
  const std::int32_t start = start_token(tokenizer, config, directory.string());
  std::vector<std::int32_t> ends = config.eos_tokens;
  return {std::move(transformer), std::move(tokenizer), directory.string(), sha256_of_path(directory), start,
          std::move(ends)};
}

}  // namespace toptheta
