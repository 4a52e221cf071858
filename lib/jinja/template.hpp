// Jinja templates, as far as chat templates use them; docs/tokenizers.md lists what is supported.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace toptheta::jinja {

class Template {
 public:
  // Parses a template under the settings of Hugging Face's transformers: trim_blocks, lstrip_blocks, {% break
  // %} and
  // {% continue %}, {% generation %}. `where` names the template in error messages. Throws InputError naming
  // the line for text that is not a template, and for statements that are not supported.
  Template(std::string_view source, std::string where);
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  // The text for these variables. Throws InputError naming the line if the template raises an exception, uses
  // a filter, test or method that is not supported, applies an operation to a value that does not have it, or
  // exceeds a limit on steps, depth or size, all of which are far above what chats need.
  [[nodiscard]] std::string render(const nlohmann::ordered_json& variables) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta::jinja
