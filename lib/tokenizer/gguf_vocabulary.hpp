// The vocabulary of a GGUF file: the "tokenizer.ggml.*" part of its metadata.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace toptheta {

// Each field holds the value of the key of its name, unless another is given. It is empty if the file has no
// such key.
struct GgufVocabulary {
  std::string source{};                      // the file, for error messages
  std::string model{};                       // tokenizer.ggml.model: "gpt2" (byte-level BPE) or "llama"
  std::string pre{};                         // tokenizer.ggml.pre: the name of a split pattern, for "gpt2"
  std::vector<std::string> tokens{};         // by id
  std::vector<std::string> merges{};         // "gpt2": two tokens with a space between them
  std::vector<float> scores{};               // "llama": pieces with higher scores are merged first
  std::vector<std::int32_t> types{};         // token_type: 1 normal, 2 unknown, 3 control, 4 user-defined,
                                             // 5 unused, 6 byte
  std::optional<std::int32_t> bos{};         // bos_token_id
  std::optional<std::int32_t> eos{};         // eos_token_id
  std::optional<std::int32_t> unknown{};     // unknown_token_id
  std::optional<bool> add_bos{};             // add_bos_token
  std::optional<bool> add_eos{};             // add_eos_token
  std::optional<bool> add_space_prefix{};    // for "llama"
  std::optional<bool> remove_whitespaces{};  // remove_extra_whitespaces
};

}  // namespace toptheta
