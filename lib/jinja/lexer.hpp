// Splits a template into texts, tags and the symbols inside tags.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace toptheta::jinja {

struct Token {
  enum class Kind {
    text,              // text outside tags, of which the white space that the tags control is removed already
    begin_expression,  // {{
    end_expression,    // }}
    begin_statement,   // {%
    end_statement,     // %}
    name,
    string,  // the value, with escapes resolved
    integer,
    real,
    symbol,  // an operator or a bracket
    end,     // the end of the template
  };
  Kind kind = Kind::end;
  std::string text{};
  int line = 0;
};

// The tokens of a template under Hugging Face's settings for Jinja: trim_blocks and lstrip_blocks are on, and
// a line break at the template's end is dropped. Comments are dropped, and {% raw %} becomes text. Throws
// TemplateError.
std::vector<Token> tokens_of(std::string_view source);

}  // namespace toptheta::jinja
