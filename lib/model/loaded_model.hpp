// A model directory as a whole: transformer, tokenizer, identity.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/transformer.hpp"
#include "tokenizer/tokenizer.hpp"

namespace toptheta {

struct LoadedModel {
  Transformer transformer;
  Tokenizer tokenizer;
  std::string path;
  std::string sha256;                      // over config.json, the tokenizer and all weights, in name order
  std::int32_t start_token = 0;            // stands before a text: BOS, or EOS where there is no BOS
  std::vector<std::int32_t> end_tokens{};  // end a generation
};

// Throws InputError as its parts do; also where the tokenizer knows more tokens than the model, and where
// neither names a token to start a text with.
LoadedModel load_model(const std::filesystem::path& directory);

}  // namespace toptheta
