// What stands beside a tokenizer: tokenizer_config.json and chat_template.jinja of a model directory.
#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace toptheta {

struct TokenizerConfig {
  std::optional<bool> add_bos{};  // only asked where the tokenizer itself has no say: tokenizer.model
  std::optional<bool> add_eos{};
  std::optional<bool> add_prefix_space{};
  std::map<std::string, std::string> added_tokens{};    // by id, as written: "32000" -> "<pad>"
  std::map<std::string, std::string> special_tokens{};  // "bos_token" -> "<s>"
  std::map<std::string, std::string> chat_templates{};  // by name; the usual one is "default"
  std::string chat_where{};                             // where the templates stand, for errors
  std::vector<std::string> notes{};                     // what is not used and could matter
};

// chat_template.jinja goes before the template in tokenizer_config.json. Either may be missing. Throws
// InputError for what is of the wrong type.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& directory);

}  // namespace toptheta
