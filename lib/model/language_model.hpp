// A language model as a user has it, in a directory or file: weights, tokenizer, special tokens, identity.
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
  std::string sha256;  // digest of the file, or of all files directly in the directory
  // The token in front of a text: the one that the tokenizer itself adds, else that of config.json.
  std::optional<std::int32_t> bos_token;
  std::vector<std::int32_t> eos_tokens;  // of generation_config.json, else of config.json
  GenerationConfig generation{};
  ChatFormat chat{};  // its source is empty if the model has no chat template
  // What the model's files hold but nothing uses, to be shown to the user once.
  std::vector<std::string> notes{};
};

// Loads only the tokenizer, from whatever open_model() takes or from a tokenizer's own file, without reading
// any weights. Throws InputError as the readers do.
Tokenizer load_model_tokenizer(const std::filesystem::path& model);

// The token that comes first in every text: BOS, or EOS if there is no BOS. Throws InputError if there is
// neither.
std::int32_t start_token(const LanguageModel& model);

// The ids with which a model is prompted: the text's, after the start token if the tokenizer adds one to
// texts or if the text is empty.
std::vector<std::int32_t> encode_prompt(const LanguageModel& model, std::string_view text);

// Renders a conversation of a system message (left out if empty) and one user message as a text that ends
// where the assistant's answer begins. Throws InputError as ChatTemplate does.
std::string render_chat(const ChatTemplate& chat, std::string_view system, std::string_view user);

// The token ids of such a conversation under the model's chat template.
std::vector<std::int32_t> encode_chat(const LanguageModel& model, std::string_view system,
                                      std::string_view user);

// Loads what open_model() takes, with the tokenizer, its configuration and generation_config.json; of a GGUF
// file, the tokenizer and the chat template in its metadata. Throws InputError as the readers do, and if the
// tokenizer has token ids beyond the model's vocabulary.
LanguageModel load_language_model(const std::filesystem::path& path, Compute compute = Compute::f32);

}  // namespace toptheta
