#include <fmt/format.h>

#include <fmt/format.h>
#include "core/error.hpp"
#include "support/catch.hpp"
#include "tokenizer/byte_alphabet.hpp"

#include "tokenizer/tokenizer.hpp"

using namespace toptheta;

namespace {

using GgufIds = std::vector<std::int32_t>;

// The 256 bytes by their own values, then the merges "Ġ a" and "1 2", then a control token.
GgufVocabulary gguf_bytes(const std::string& pre) {
  GgufVocabulary vocabulary{.source = "model.gguf", .model = "gpt2", .pre = pre};
  for (int byte = 0; byte < 256; ++byte)
    vocabulary.tokens.push_back(byte_symbols(std::string(1, static_cast<char>(byte))));
  vocabulary.tokens.insert(vocabulary.tokens.end(), {"Ġa", "12", "<|end|>"});
  vocabulary.merges = {"Ġ a", "1 2"};
  vocabulary.types.assign(256 + 3, 1);
  vocabulary.types[258] = 3;
  vocabulary.bos = 258;
  return vocabulary;
}

// <unk> <s> </s>, the bytes from 3 on, then pieces with scores: ▁ 259, a 260, b 261, ▁a 262, ab 263.
GgufVocabulary gguf_pieces() {
  GgufVocabulary vocabulary{.source = "model.gguf", .model = "llama"};
  vocabulary.tokens = {"<unk>", "<s>", "</s>"};
  vocabulary.types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    constexpr const char* kHex = "0123456789ABCDEF";
    vocabulary.tokens.push_back(std::string("<0x") + kHex[byte / 16] + kHex[byte % 16] + ">");
    vocabulary.types.push_back(6);
  }
  vocabulary.scores.assign(259, 0);
  const std::pair<const char*, float> pieces[] = {{"▁", -9}, {"a", -8}, {"b", -7}, {"▁a", -2}, {"ab", -1}};
  for (const auto& [piece, score] : pieces) {
    vocabulary.tokens.emplace_back(piece);
    vocabulary.scores.push_back(score);
    vocabulary.types.push_back(1);
  }
  vocabulary.bos = 1;
  vocabulary.eos = 2;
  return vocabulary;
}

std::string refused_at(const GgufVocabulary& vocabulary) {
  try {
    (void)Tokenizer::from_gguf(vocabulary);
  } catch (const InputError& error) {
    return error.problem().where;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("GGUF: byte-level, by the name of the split pattern", "[gguf]") {
  const auto encode = [](const std::string& pre, const std::string& text) {
    return Tokenizer::from_gguf(gguf_bytes(pre)).encode(text);
  };
  CHECK(encode("gpt-2", " a12") == GgufIds{256, 257});
  CHECK(encode("smollm", " a12") == GgufIds{256, '1', '2'});
  // A space before a line break: the digits are cut out first, the rest goes by GPT-2's pattern.
  CHECK(encode("smollm", "1 \n\n a") == GgufIds{'1', ' ', '\n', '\n', 256});
  CHECK(encode("llama-bpe", "12<|end|>") == GgufIds{257, 258});
  CHECK(encode("qwen2", "e\u0301") == GgufIds{0xC3, 0xA9});
  CHECK(encode("gpt-2", "e\u0301") == GgufIds{'e', 0xCC, 0x81});
  const Tokenizer tokenizer = Tokenizer::from_gguf(gguf_bytes("gpt-2"));
  CHECK(tokenizer.decode(GgufIds{256, 258, 257}) == " a12");
  CHECK_FALSE(tokenizer.bos().has_value());
  CHECK(Tokenizer::from_gguf(gguf_bytes("llama-bpe")).bos() == 258);
  CHECK(Tokenizer::from_gguf(gguf_bytes("")).notes().size() == 1);
  CHECK(tokenizer.notes().empty());
}

TEST_CASE("GGUF: SentencePiece-like, merged by score", "[gguf]") {
  const Tokenizer tokenizer = Tokenizer::from_gguf(gguf_pieces());
  CHECK(tokenizer.encode("ab") == GgufIds{259, 263});  // ab before ▁a
  CHECK(tokenizer.encode("a b") == GgufIds{262, 259, 261});
  CHECK(tokenizer.encode("é</s>") == GgufIds{259, 3 + 0xC3, 3 + 0xA9, 2});
  CHECK(tokenizer.encode_framed("a") == GgufIds{1, 262});
  CHECK(tokenizer.decode(GgufIds{262, 259, 261}) == "a b");
  GgufVocabulary vocabulary = gguf_pieces();
  vocabulary.add_bos = false;
  vocabulary.add_eos = true;
  vocabulary.add_space_prefix = false;
  CHECK(Tokenizer::from_gguf(vocabulary).encode_framed("a") == GgufIds{260, 2});
}

TEST_CASE("GGUF: what contradicts itself or is not known is refused by its key", "[gguf]") {
  CHECK(refused_at(gguf_bytes("gpt-2")) == "accepted");
  CHECK(refused_at(gguf_bytes("dreams")) == "model.gguf: tokenizer.ggml.pre");
  GgufVocabulary vocabulary = gguf_bytes("gpt-2");
  SECTION("kind") {
    vocabulary.model = "bert";
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.model");
  }
  SECTION("merges") {
    vocabulary.merges.push_back("a zz");
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.merges[2]");
    vocabulary.merges.back() = "a";
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.merges[2]");
    vocabulary.merges.clear();  // every byte by itself would be other tokens than the model's
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.merges");
  }
  SECTION("types") {
    vocabulary.types.pop_back();
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.token_type");
    vocabulary.types.push_back(9);
    CHECK(refused_at(vocabulary) ==
          fmt::format("model.gguf: tokenizer.ggml.token_type[{}]", vocabulary.types.size() - 1));
  }
  SECTION("tokens") {
    vocabulary.tokens[1] = vocabulary.tokens[0];
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.tokens[1]");
    vocabulary.tokens[1] = "\xFF";
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.tokens[1]");
    vocabulary.tokens.clear();
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.tokens");
  }
  SECTION("special tokens") {
    vocabulary.eos = 259;
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.eos_token_id");
    vocabulary.eos.reset();
    vocabulary.add_eos = true;
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.eos_token_id");
  }
  SECTION("scores") {
    vocabulary = gguf_pieces();
    vocabulary.scores.clear();
    CHECK(refused_at(vocabulary) == "model.gguf: tokenizer.ggml.scores");
  }
}
