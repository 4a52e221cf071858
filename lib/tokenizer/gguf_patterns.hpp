// The split patterns that GGUF files refer to by name (tokenizer.ggml.pre).
#pragma once
#include <optional>
#include <string_view>
#include <vector>

namespace toptheta {

// What Hugging Face's tokenizer does for the models of this name.
struct GgufPattern {
  std::string_view name;
  // The steps of its pre-tokenizer in order, as parts of a tokenizer.json, without the last one, ByteLevel.
  std::vector<std::string_view> splits{};
  bool gpt2_words = false;     // the ByteLevel step also splits by GPT-2's expression
  bool nfc = false;            // texts are first normalised to NFC
  bool ignore_merges = false;  // as in BpeOptions
  bool adds_bos = false;       // whether texts begin with BOS, if the file does not say
};

// The pattern of this name; null if the name is unknown.
const GgufPattern* gguf_pattern(std::string_view name);
// All names, for messages.
std::vector<std::string_view> gguf_pattern_names();

}  // namespace toptheta
