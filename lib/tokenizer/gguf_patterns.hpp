// The names that GGUF files have for split patterns (tokenizer.ggml.pre).
#pragma once
#include <optional>
#include <string_view>
#include <vector>

namespace toptheta {

// What Hugging Face's tokenizer of the models of this name does.
struct GgufPattern {
  std::string_view name;
  // Steps of its pre-tokenizer, as parts of a tokenizer.json, in order, all but the last: ByteLevel.
  std::vector<std::string_view> splits{};
  bool gpt2_words = false;     // the last step cuts at GPT-2's expression
  bool nfc = false;            // texts are brought into NFC before
  bool ignore_merges = false;  // a word that is a token is that token
  bool adds_bos = false;       // where the file does not say
};

// Null where the name is not known.
const GgufPattern* gguf_pattern(std::string_view name);
// All names, for messages.
std::vector<std::string_view> gguf_pattern_names();

}  // namespace toptheta
