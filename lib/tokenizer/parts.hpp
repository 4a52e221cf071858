// Internal to lib/tokenizer: the parts that make up a tokenizer.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.hpp"
#include "tokenizer/decoder.hpp"
#include "tokenizer/gguf_vocabulary.hpp"
#include "tokenizer/normalizer.hpp"
#include "tokenizer/post_processor.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/token_model.hpp"

namespace toptheta {

struct TokenizerParts {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::unique_ptr<TokenModel> model;
  AddedTokens added;
  Decoder decoder;
  Frame frame;
  std::vector<std::string> notes;
};

// These throw InputError as documented for Tokenizer's functions.
TokenizerParts parts_of_json(const std::filesystem::path& path);
TokenizerParts parts_of_sentencepiece(const std::filesystem::path& path);
TokenizerParts parts_of_gguf(const GgufVocabulary& vocabulary);

}  // namespace toptheta
