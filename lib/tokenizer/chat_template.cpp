#include "tokenizer/chat_template.hpp"

#include "core/error.hpp"

namespace toptheta {
namespace {

jinja::Template compiled(const ChatFormat& format) {
  if (format.source.empty())
    throw InputError({.where = format.where,
                      .what = "no chat template",
                      .expected = "chat_template in tokenizer_config.json, chat_template.jinja, or "
                                  "tokenizer.chat_template in a GGUF file",
                      .next = "prompt the model without --chat"});
  return {format.source, format.where};
}

}  // namespace

ChatTemplate::ChatTemplate(const ChatFormat& format)
    : template_(compiled(format)), special_tokens_(format.special_tokens) {}

std::string ChatTemplate::render(const nlohmann::ordered_json& messages, bool add_generation_prompt,
                                 const nlohmann::ordered_json& more) const {
  nlohmann::ordered_json variables = {{"messages", messages},
                                      {"tools", nullptr},
                                      {"documents", nullptr},
                                      {"add_generation_prompt", add_generation_prompt}};
  for (const auto& [name, token] : special_tokens_)
    variables[name] = token;
  for (const auto& [name, value] : more.items())
    variables[name] = value;
  return template_.render(variables);
}

}  // namespace toptheta
