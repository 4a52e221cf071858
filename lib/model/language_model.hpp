// A model directory or file as a user has it: weights, tokenizer, special tokens, identity.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/generation_config.hpp"
#include "model/transformer.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer.hpp"

namespace toptheta {

struct LanguageModel {
  Transformer transformer;
  Tokenizer tokenizer;
  std::string sha256;  // of the file, or of all files directly in the directory
  // The token before a text: what the tokenizer itself puts there, else config.json's.
  std::optional<std::int32_t> bos_token;
  std::vector<std::int32_t> eos_tokens;  // generation_config.json's, else config.json's
  GenerationConfig generation{};
  ChatFormat chat{};                 // without a source where the model brings no template
  std::vector<std::string> notes{};  // what its files hold and nothing uses: to be shown once
};

// The tokenizer alone, of whatever open_model() takes or of a tokenizer's own file: read in no time. Throws
// InputError as the readers do.
Tokenizer load_model_tokenizer(const std::filesystem::path& model);

// The token that stands before every text and window: BOS, or EOS where there is no BOS. Throws InputError if
// there is neither.
std::int32_t start_token(const LanguageModel& model);

// A text as the model is prompted with it: the start token where the tokenizer puts one before texts, or
// where there is no other token.
std::vector<std::int32_t> encode_prompt(const LanguageModel& model, std::string_view text);

// A conversation of one user message, and of a system message where it is not empty, as a text that ends
// where the assistant begins. Throws InputError as ChatTemplate does.
std::string render_chat(const ChatTemplate& chat, std::string_view system, std::string_view user);

// A conversation of one user message, and of a system message where it is not empty, as the model's chat
// template puts it, up to where the assistant begins. Throws InputError as ChatTemplate does.
std::vector<std::int32_t> encode_chat(const LanguageModel& model, std::string_view system,
                                      std::string_view user);

// Reads what open_model() takes: of a directory also generation_config.json and the tokenizer with its
// configuration, of a GGUF file the same from its metadata. Throws InputError as their readers do, and where
// the tokenizer knows tokens that the model does not.
LanguageModel load_language_model(const std::filesystem::path& path, Compute compute = Compute::f32);

}  // namespace toptheta
