// Parses the expressions of a template, one function for each level of precedence.
#pragma once
#include <string_view>
#include <vector>

#include "jinja/lexer.hpp"
#include "jinja/syntax.hpp"

namespace toptheta::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  // A whole expression, which ends at a comma.
  ExpressionPointer expression();
  // An expression, or several with commas between them, which make a tuple.
  ExpressionPointer expression_or_tuple();
  // Filters "| a | b(c)" that apply to `value`, which may be null.
  ExpressionPointer filters(ExpressionPointer value);
  // An expression without "... if ...", for the iterable of a loop.
  ExpressionPointer without_condition() { return either(); }

  [[nodiscard]] const Token& token() const { return tokens_[at_]; }
  [[nodiscard]] bool at(Token::Kind kind) const { return token().kind == kind; }
  [[nodiscard]] bool at_symbol(std::string_view text) const {
    return at(Token::Kind::symbol) && token().text == text;
  }
  [[nodiscard]] bool at_name(std::string_view text) const {
    return at(Token::Kind::name) && token().text == text;
  }
  [[nodiscard]] bool next_is_name(std::string_view text) const {
    return at_ + 1 < tokens_.size() && tokens_[at_ + 1].kind == Token::Kind::name &&
           tokens_[at_ + 1].text == text;
  }
  Token take() { return tokens_[at_++]; }
  bool take_symbol(std::string_view text);
  bool take_name(std::string_view text);
  void expect_symbol(std::string_view text);
  std::string expect_name();
  void expect(Token::Kind kind, std::string_view what);
  [[noreturn]] void fail(const std::string& what) const;

 private:
  ExpressionPointer make(Expression::Kind kind, std::string text = "") const;
  ExpressionPointer binary(std::string text, ExpressionPointer left, ExpressionPointer right) const;
  ExpressionPointer either();
  ExpressionPointer both();
  ExpressionPointer negation();
  ExpressionPointer comparison();
  ExpressionPointer sum();
  ExpressionPointer joined();
  ExpressionPointer product();
  ExpressionPointer sign();
  ExpressionPointer power();
  ExpressionPointer filtered(ExpressionPointer value);
  ExpressionPointer suffixes(ExpressionPointer value);
  ExpressionPointer test(ExpressionPointer value);
  ExpressionPointer subscript(ExpressionPointer value);
  ExpressionPointer primary();
  ExpressionPointer bracketed();
  ExpressionPointer dictionary();
  void arguments(Expression& call);

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace toptheta::jinja
