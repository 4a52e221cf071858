// Parses the statements of a template.
#include <fmt/format.h>

#include <algorithm>

#include "jinja/parser.hpp"

namespace toptheta::jinja {
namespace {

using SKind = Statement::Kind;

constexpr int kDeepestStatement = 100;  // how deeply statements may be nested

class StatementParser {
 public:
  explicit StatementParser(std::string_view source) : in_(tokens_of(source)) {}

  Block run() {
    Block block = body({});
    if (!in_.at(Token::Kind::end)) in_.fail("the statement ends nothing that was begun");
    return block;
  }

 private:
  // Reads everything up to a statement of one of these names, or the template's end.
  Block body(std::initializer_list<std::string_view> ends) {
    if (++depth_ > kDeepestStatement) in_.fail("nested too deeply");
    Block block;
    while (!in_.at(Token::Kind::end)) {
      const bool ended =
          in_.at(Token::Kind::begin_statement) &&
          std::ranges::any_of(ends, [&](std::string_view end) { return in_.next_is_name(end); });
      if (ended) break;
      if (in_.at(Token::Kind::begin_statement)) {
        statement(block);
      } else if (in_.at(Token::Kind::text)) {
        block.push_back(made(SKind::text));
        block.back().text = in_.take().text;
      } else {
        in_.expect(Token::Kind::begin_expression, "an expression");
        block.push_back(made(SKind::output));
        block.back().expression = in_.expression_or_tuple();
        in_.expect(Token::Kind::end_expression, "}}");
      }
    }
    --depth_;
    return block;
  }

  [[nodiscard]] Statement made(SKind kind) const {
    Statement statement;
    statement.kind = kind;
    statement.line = in_.token().line;
    return statement;
  }

  // Expects the "%}" of the current tag, or "{% name %}".
  void close() { in_.expect(Token::Kind::end_statement, "%}"); }
  void close(std::string_view name) {
    if (!in_.at(Token::Kind::begin_statement)) in_.fail(fmt::format("expected {{% {} %}}", name));
    in_.take();
    if (!in_.take_name(name)) in_.fail(fmt::format("expected {}", name));
    close();
  }

  void statement(Block& block) {
    in_.take();
    const std::string name = in_.expect_name();
    if (name == "if") {
      block.push_back(condition());
    } else if (name == "for") {
      block.push_back(loop());
    } else if (name == "set") {
      block.push_back(set());
    } else if (name == "macro") {
      block.push_back(macro());
    } else if (name == "filter") {
      block.push_back(filter());
    } else if (name == "break" || name == "continue") {
      block.push_back(made(name == "break" ? SKind::leave : SKind::next));
      close();
    } else if (name == "generation") {
      // {% generation %} marks what an assistant wrote, and prints its contents.
      close();
      Block inner = body({"endgeneration"});
      close("endgeneration");
      std::ranges::move(inner, std::back_inserter(block));
    } else {
      in_.fail(fmt::format("the statement '{}' is not supported", name));
    }
  }

  Statement condition() {
    Statement made = this->made(SKind::condition);
    made.expression = in_.expression_or_tuple();
    close();
    made.body = body({"elif", "else", "endif"});
    if (in_.at(Token::Kind::begin_statement) && in_.next_is_name("elif")) {
      in_.take();
      in_.take();
      if (++depth_ > kDeepestStatement) in_.fail("nested too deeply");
      made.otherwise.push_back(condition());
      --depth_;
      return made;
    }
    if (in_.next_is_name("else")) {
      close("else");
      made.otherwise = body({"endif"});
    }
    close("endif");
    return made;
  }

  Statement loop() {
    Statement made = this->made(SKind::loop);
    made.names = targets();
    if (!in_.take_name("in")) in_.fail("expected 'in'");
    made.expression = in_.without_condition();
    if (in_.take_name("if")) made.filter = in_.expression();
    if (in_.at_name("recursive")) in_.fail("recursive loops are not supported");
    close();
    made.body = body({"else", "endfor"});
    if (in_.next_is_name("else")) {
      close("else");
      made.otherwise = body({"endfor"});
    }
    close("endfor");
    return made;
  }

  std::vector<std::string> targets() {
    const bool bracket = in_.take_symbol("(");
    std::vector<std::string> names = {in_.expect_name()};
    while (in_.take_symbol(",")) {
      if (in_.at(Token::Kind::name) && !in_.at_name("in")) names.push_back(in_.expect_name());
    }
    if (bracket) in_.expect_symbol(")");
    return names;
  }

  Statement set() {
    Statement made = this->made(SKind::set);
    made.names = targets();
    if (in_.take_symbol(".")) {
      made.text = made.names[0];
      made.names = {in_.expect_name()};
    }
    if (in_.take_symbol("=")) {
      made.expression = in_.expression_or_tuple();
      close();
      return made;
    }
    if (!made.text.empty() || made.names.size() != 1) in_.fail("expected '='");
    made.kind = SKind::set_block;
    made.expression = in_.filters(nullptr);
    close();
    made.body = body({"endset"});
    close("endset");
    return made;
  }

  Statement macro() {
    Statement made = this->made(SKind::macro);
    made.names = {in_.expect_name()};
    in_.expect_symbol("(");
    while (!in_.take_symbol(")")) {
      made.names.push_back(in_.expect_name());
      if (in_.take_symbol("=")) {
        made.defaults.push_back(in_.expression());
      } else if (!made.defaults.empty()) {
        in_.fail("a parameter without a default follows one that has a default");
      }
      if (!in_.at_symbol(")")) in_.expect_symbol(",");
    }
    close();
    made.body = body({"endmacro"});
    close("endmacro");
    return made;
  }

  Statement filter() {
    Statement made = this->made(SKind::filter_block);
    auto first = std::make_unique<Expression>();
    first->kind = Expression::Kind::filter;
    first->line = made.line;
    first->text = in_.expect_name();
    first->parts.emplace_back();
    if (in_.at_symbol("(")) in_.fail("a filter block with arguments is not supported");
    made.expression = in_.filters(std::move(first));
    close();
    made.body = body({"endfilter"});
    close("endfilter");
    return made;
  }

  ExpressionParser in_;
  int depth_ = 0;
};

}  // namespace

Block parse_template(std::string_view source) {
  return StatementParser(source).run();
}

}  // namespace toptheta::jinja
