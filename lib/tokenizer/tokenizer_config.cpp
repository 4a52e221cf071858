#include "tokenizer/tokenizer_config.hpp"

#include "io/json_reader.hpp"
#include "io/text_file.hpp"

namespace toptheta {
namespace {

std::optional<bool> optional_bool(const JsonValue& root, std::string_view key) {
  const auto field = root.find(key);
  return field ? std::optional(field->flag()) : std::nullopt;
}

// "bos_token": "<s>", or an added token with its content.
void read_special_tokens(const JsonValue& root, TokenizerConfig& config) {
  for (const char* key :
       {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}) {
    const auto field = root.find(key);
    if (!field) continue;
    config.special_tokens[key] = field->is_object() ? field->text("content") : field->text();
  }
}

void read_added_tokens(const JsonValue& root, TokenizerConfig& config) {
  const auto field = root.find("added_tokens_decoder");
  if (!field) return;
  for (const auto& [id, token] : field->members())
    config.added_tokens[id] = token.text("content");
}

void read_chat_template(const JsonValue& root, TokenizerConfig& config) {
  const auto field = root.find("chat_template");
  if (!field) return;
  config.chat_where = field->where();
  if (field->is_text()) {
    config.chat_templates["default"] = field->text();
    return;
  }
  for (const JsonValue& entry : field->elements())
    config.chat_templates[entry.text("name")] = entry.text("template");
}

}  // namespace

TokenizerConfig read_tokenizer_config(const std::filesystem::path& directory) {
  TokenizerConfig config;
  const std::filesystem::path path = directory / "tokenizer_config.json";
  if (std::filesystem::exists(path)) {
    const JsonValue root = read_json_file(path);
    config.add_bos = optional_bool(root, "add_bos_token");
    config.add_eos = optional_bool(root, "add_eos_token");
    config.add_prefix_space = optional_bool(root, "add_prefix_space");
    read_special_tokens(root, config);
    read_added_tokens(root, config);
    read_chat_template(root, config);
  }
  const std::filesystem::path chat = directory / "chat_template.jinja";
  if (std::filesystem::exists(chat)) {
    config.chat_templates["default"] = read_file(chat);
    config.chat_where = chat.string();
  }
  return config;
}

}  // namespace toptheta
