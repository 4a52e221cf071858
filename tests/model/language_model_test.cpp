#include "model/language_model.hpp"

#include <fstream>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_llama.hpp"

using namespace toptheta;
using testing::TinyLlama;

namespace {

// A byte-level BPE without merges: 256 bytes would be usual, four letters do. Ids 0 ... `tokens` - 1.
void write_tokenizer(const std::filesystem::path& path, int tokens) {
  nlohmann::json vocab = nlohmann::json::object();
  for (int i = 0; i < tokens; ++i)
    vocab[std::string(1, static_cast<char>('A' + i))] = i;
  const nlohmann::json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", nlohmann::json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}},
      {"post_processor", nullptr},
      {"decoder",
       {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"vocab", vocab},
        {"merges", nlohmann::json::array()}}}};
  std::ofstream(path) << json.dump();
}

void write_model(const std::filesystem::path& directory, int tokens) {
  TinyLlama tiny{.vocab = 8};
  tiny.fill_tensors();
  tiny.write(directory);
  write_tokenizer(directory / "tokenizer.json", tokens);
}

}  // namespace

TEST_CASE("a model directory is loaded with its tokenizer, special tokens and digest", "[model]") {
  const testing::TempDir dir;
  write_model(dir.path("tiny"), 4);
  const LanguageModel model = load_language_model(dir.path("tiny"));
  CHECK(model.transformer.config().name == "tiny");
  CHECK(model.tokenizer.encode("CAB") == std::vector<std::int32_t>{2, 0, 1});
  CHECK(model.bos_token == 1);
  CHECK(model.eos_tokens == std::vector<std::int32_t>{2});
  CHECK(model.sha256 == sha256_of_path(dir.path("tiny")));
}

TEST_CASE("a text starts with BOS, or with EOS where there is no BOS", "[model]") {
  const testing::TempDir dir;
  write_model(dir.root(), 4);
  LanguageModel model = load_language_model(dir.root());
  CHECK(start_token(model) == 1);
  model.bos_token.reset();
  CHECK(start_token(model) == 2);
  model.eos_tokens.clear();
  CHECK_THROWS_AS(start_token(model), InputError);
}

TEST_CASE("an end that is no token of the model is refused", "[model]") {
  const testing::TempDir dir;
  write_model(dir.root(), 4);
  std::ofstream(dir.path("generation_config.json")) << R"({"eos_token_id": [2, 8]})";
  try {
    (void)load_language_model(dir.root());
    FAIL("no InputError");
  } catch (const InputError& error) {
    CHECK(error.problem().where == dir.path("generation_config.json").string() + ":eos_token_id");
    CHECK(error.problem().found == "8");
  }
}

TEST_CASE("a tokenizer with more tokens than the model is refused", "[model]") {
  const testing::TempDir dir;
  write_model(dir.path("tiny"), 9);
  try {
    load_language_model(dir.path("tiny"));
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(error.problem().where == (dir.path("tiny") / "tokenizer.json").string());
    CHECK(error.problem().found == "ids up to 8");
  }
}

TEST_CASE("whatever is missing from a model directory is named", "[model]") {
  for (const std::string file : {"config.json", "tokenizer.json", "model.safetensors"}) {
    const testing::TempDir dir;
    write_model(dir.root(), 4);
    std::filesystem::remove(dir.path(file));
    CAPTURE(file);
    CHECK_THROWS_AS(load_language_model(dir.root()), InputError);
  }
  CHECK_THROWS_AS(load_language_model("/no/such/model"), InputError);
}
