// Jinja templates, as far as chat templates use them: see docs/tokenizers.md for what is known.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace toptheta::jinja {

class Template {
 public:
  // Set up as Hugging Face's transformers set Jinja up: trim_blocks, lstrip_blocks, {% break %} and
  // {% continue %}, {% generation %}. `where` names the template in errors. Throws InputError with the line
  // for what is no template, and for statements that are not known.
  Template(std::string_view source, std::string where);
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  // The text for these variables. Throws InputError with the line where the template raises an exception,
  // uses a filter, test or method that is not known, does with a value what cannot be done with it, or runs
  // past a limit of steps, depth and size that no chat reaches.
  [[nodiscard]] std::string render(const nlohmann::ordered_json& variables) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta::jinja
