// The syntax tree of a template.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/value.hpp"

namespace toptheta::jinja {

struct Expression;
using ExpressionPointer = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind {
    literal,     // value
    name,        // text
    list,        // parts
    tuple,       // parts
    dict,        // parts: key, value, key, value ...
    attribute,   // parts[0].text
    item,        // parts[0][parts[1]]
    slice,       // parts[0][parts[1]:parts[2]:parts[3]]; absent bounds are null
    call,        // parts[0](parts[1], ..., named)
    filter,      // parts[0] | text(parts[1], ..., named); parts[0] is null in a filter block
    test,        // parts[0] is text(parts[1], ...)
    unary,       // text: not, -, +
    binary,      // text: and, or, +, -, *, /, //, %, **, ~
    comparison,  // parts[0] operators[0] parts[1] operators[1] ...
    conditional  // parts[0] if parts[1] else parts[2], which may be null
  };
  Kind kind = Kind::literal;
  int line = 0;
  std::string text{};
  Value value{};
  std::vector<ExpressionPointer> parts{};
  std::vector<std::pair<std::string, ExpressionPointer>> named{};
  std::vector<std::string> operators{};
};

struct Statement;
using Block = std::vector<Statement>;

struct Statement {
  enum class Kind {
    text,          // text
    output,        // expression
    condition,     // if expression: body, else: otherwise
    loop,          // for names in expression if filter: body, else: otherwise
    set,           // names = expression; or text.names[0] = expression
    set_block,     // names[0] = what body prints, filtered by expression if there is one
    macro,         // names[0] is its name; the other names are its parameters, with defaults
    filter_block,  // prints what body prints, filtered by expression
    leave,         // break
    next           // continue
  };
  Kind kind = Kind::text;
  int line = 0;
  std::string text{};
  std::vector<std::string> names{};
  ExpressionPointer expression{};
  ExpressionPointer filter{};
  std::vector<ExpressionPointer> defaults{};  // those of a macro's last parameters
  Block body{};
  Block otherwise{};
};

// Throws TemplateError for text that is not a template, and for statements that are not supported.
Block parse_template(std::string_view source);

}  // namespace toptheta::jinja
