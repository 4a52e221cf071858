// A model directory or file as a user has it: weights, tokenizer, special tokens, identity.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/transformer.hpp"
#include "tokenizer/tokenizer.hpp"

namespace toptheta {

struct LanguageModel {
  Transformer transformer;
  Tokenizer tokenizer;
  std::string sha256;  // of the directory: config.json, weights, tokenizer.json and all else directly in it
  // The token before a text: what the tokenizer itself puts there, else config.json's.
  std::optional<std::int32_t> bos_token;
  std::vector<std::int32_t> eos_tokens;  // config.json's
};

// The token that stands before every text and window: BOS, or EOS where there is no BOS. Throws InputError if
// there is neither.
std::int32_t start_token(const LanguageModel& model);

// A text as the model is prompted with it: the start token where the tokenizer puts one before texts, or
// where there is no other token.
std::vector<std::int32_t> encode_prompt(const LanguageModel& model, std::string_view text);

// Reads what open_model() takes, with the tokenizer of the directory or in the GGUF file. Throws InputError
// as their readers do, and where the tokenizer knows tokens that the model does not.
LanguageModel load_language_model(const std::filesystem::path& path, Compute compute = Compute::f32);

}  // namespace toptheta
