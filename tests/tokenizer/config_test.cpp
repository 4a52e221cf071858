// Files beside a tokenizer, and SentencePiece's own.
#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/tokenizer_fixture.hpp"
#include "tokenizer/chat_template.hpp"
#include "tokenizer/tokenizer_config.hpp"

using namespace toptheta;
using namespace toptheta::testing;

TEST_CASE("tokenizer_config.json: ends of texts, special tokens, chat templates", "[tokenizer_config]") {
  const TempDir dir;
  CHECK(read_tokenizer_config(dir.root()).chat_templates.empty());
  write_text(
      dir, "tokenizer_config.json",
      R"({"add_bos_token": false, "bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false},
                 "chat_template": [{"name": "default", "template": "A"}, {"name": "tool_use", "template": "B"}]})");
  const TokenizerConfig config = read_tokenizer_config(dir.root());
  CHECK(config.add_bos == false);
  CHECK_FALSE(config.add_eos.has_value());
  CHECK(config.special_tokens.at("bos_token") == "<s>");
  CHECK(config.special_tokens.at("eos_token") == "</s>");
  CHECK(config.chat_templates.at("default") == "A");
  write_text(dir, "chat_template.jinja", "C");
  CHECK(read_tokenizer_config(dir.root()).chat_templates.at("default") == "C");
  write_text(dir, "tokenizer_config.json", R"({"add_bos_token": "yes"})");
  CHECK_THROWS_AS(read_tokenizer_config(dir.root()), InputError);
}

TEST_CASE("a chat template sees messages and special tokens", "[chat_template]") {
  const ChatTemplate chat(
      {.source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
                 "{% if add_generation_prompt %}[assistant]{% endif %}{{ extra }}",
       .where = "here",
       .special_tokens = {{"bos_token", "<s>"}}});
  const nlohmann::ordered_json messages = {{{"role", "user"}, {"content", "Hi"}}};
  CHECK(chat.render(messages, true) == "<s>[user] Hi\n[assistant]");
  CHECK(chat.render(messages, false, {{"extra", "!"}}) == "<s>[user] Hi\n!");
  CHECK_THROWS_AS(ChatTemplate(ChatFormat{.where = "model"}), InputError);
}

TEST_CASE("what is no SentencePiece model is refused", "[sentencepiece]") {
  const TempDir dir;
  const auto refused = [&](const std::string& bytes) {
    try {
      (void)Tokenizer::load(write_text(dir, "tokenizer.model", bytes));
    } catch (const InputError& error) {
      return error.problem().where == dir.path("tokenizer.model").string();
    }
    return false;
  };
  CHECK(refused(""));
  CHECK(refused("no protobuf"));
  CHECK(refused(std::string(1000, '\n')));
  CHECK_THROWS_AS(Tokenizer::load_directory(dir.path("none")), InputError);
}
