// A template cut into texts, tags and the symbols inside tags.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta::jinja {

struct Token {
  enum class Kind {
    text,              // outside tags, with white space already taken away as the tags around it ask
    begin_expression,  // {{
    end_expression,    // }}
    begin_statement,   // {%
    end_statement,     // %}
    name,
    string,  // its value, escapes resolved
    integer,
    real,
    symbol,  // an operator or a bracket
    end,     // of the template
  };
  Kind kind = Kind::end;
  std::string text{};
  int line = 0;
};

// As Hugging Face sets Jinja up: trim_blocks and lstrip_blocks on, the last line break of the template left
// out. Comments are gone, {% raw %} is text. Throws TemplateError.
std::vector<Token> tokens_of(std::string_view source);

}  // namespace toptheta::jinja
