// The files beside a tokenizer in a model directory: tokenizer_config.json and chat_template.jinja.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace toptheta {

struct TokenizerConfig {
  std::optional<bool> add_bos{};  // decides only for a tokenizer.model; a tokenizer.json has its own rule
  std::optional<bool> add_eos{};  // likewise
  std::optional<bool> add_prefix_space{};
  std::map<std::string, std::string> added_tokens{};    // by id, as written: "32000" -> "<pad>"
  std::map<std::string, std::string> special_tokens{};  // "bos_token" -> "<s>"
  std::map<std::string, std::string> chat_templates{};  // by name; the usual one is "default"
  std::string chat_where{};                             // where the templates are, for error messages
};

// chat_template.jinja takes precedence over the template in tokenizer_config.json. Either may be missing.
// Throws InputError for values of the wrong type.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& directory);

}  // namespace toptheta
