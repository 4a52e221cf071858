// Renders conversations as the text that a model was trained to continue.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "jinja/template.hpp"

namespace toptheta {

// A model's chat template.
struct ChatFormat {
  std::string source{};                                 // Jinja; empty if the model has no template
  std::string where{};                                  // the file, for error messages
  std::map<std::string, std::string> special_tokens{};  // variables of the template: "bos_token" -> "<s>"
};

class ChatTemplate {
 public:
  // Throws InputError for a format without a template and, naming the line, for constructs that are not
  // implemented (docs/tokenizers.md).
  explicit ChatTemplate(const ChatFormat& format);

  // `messages` is an array of objects with "role" and "content", as transformers' apply_chat_template takes
  // them. With `add_generation_prompt`, the text ends where the assistant's answer begins. `more` is an
  // object of further variables of the template (tools, enable_thinking). Throws InputError if the template
  // raises an exception.
  [[nodiscard]] std::string render(
      const nlohmann::ordered_json& messages, bool add_generation_prompt,
      const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) const;

 private:
  jinja::Template template_;
  std::map<std::string, std::string> special_tokens_;
};

}  // namespace toptheta
