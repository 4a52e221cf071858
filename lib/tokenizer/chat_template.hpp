// A conversation as the text that a model was trained to continue.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "jinja/template.hpp"

namespace toptheta {

// The template as a model brings it; empty where it brings none.
struct ChatFormat {
  std::string source{};                                 // Jinja
  std::string where{};                                  // the file, for errors
  std::map<std::string, std::string> special_tokens{};  // variables of the template: "bos_token" -> "<s>"
};

class ChatTemplate {
 public:
  // Throws InputError for a format without a template, and with the line for what is not known
  // (docs/tokenizers.md).
  explicit ChatTemplate(const ChatFormat& format);

  // `messages`: an array of objects with "role" and "content", as transformers' apply_chat_template takes
  // them. `add_generation_prompt`: ends where the assistant begins. `more`: further variables of the template
  // (tools, enable_thinking), an object. Throws InputError where the template raises an exception.
  [[nodiscard]] std::string render(
      const nlohmann::ordered_json& messages, bool add_generation_prompt,
      const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) const;

 private:
  jinja::Template template_;
  std::map<std::string, std::string> special_tokens_;
};

}  // namespace toptheta
