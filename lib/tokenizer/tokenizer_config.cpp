#include "tokenizer/tokenizer_config.hpp"

#include <nlohmann/json.hpp>

#include "io/json_reader.hpp"
#include "io/text_file.hpp"
#include "tokenizer/json_field.hpp"

namespace toptheta {
namespace {

std::optional<bool> optional_bool(const JsonField& root, std::string_view key) {
  const auto field = root.find(key);
  return field ? std::optional(field->as_bool()) : std::nullopt;
}

// "bos_token": "<s>", or an added token with its content.
void read_special_tokens(const JsonField& root, TokenizerConfig& config) {
  for (const char* key :
       {"bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}) {
    const auto field = root.find(key);
    if (!field) continue;
    config.special_tokens[key] =
        field->json().is_object() ? field->at("content").as_string() : field->as_string();
  }
}

void read_added_tokens(const JsonField& root, TokenizerConfig& config) {
  const auto field = root.find("added_tokens_decoder");
  if (!field) return;
  for (const auto& entry : field->json().items())
    config.added_tokens[entry.key()] = field->at(entry.key()).at("content").as_string();
}

void read_chat_template(const JsonField& root, TokenizerConfig& config) {
  const auto field = root.find("chat_template");
  if (!field) return;
  config.chat_where = field->where();
  if (field->json().is_string()) {
    config.chat_templates["default"] = field->as_string();
    return;
  }
  for (const JsonField& entry : field->elements())
    config.chat_templates[entry.at("name").as_string()] = entry.at("template").as_string();
}

}  // namespace

TokenizerConfig read_tokenizer_config(const std::filesystem::path& directory) {
  TokenizerConfig config;
  const std::filesystem::path path = directory / "tokenizer_config.json";
  if (std::filesystem::exists(path)) {
    const JsonValue json = read_json_file(path);
    const JsonField root(json.raw(), path.string());
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
