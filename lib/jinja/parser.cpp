#include "jinja/parser.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace toptheta::jinja {
namespace {

constexpr int kDeepestExpression = 100;  // how deeply brackets may be nested

// The operators of comparisons.
constexpr std::string_view kComparisons[] = {"==", "!=", "<", "<=", ">", ">="};

}  // namespace

using EKind = Expression::Kind;

void ExpressionParser::fail(const std::string& what) const {
  const std::string found = at(Token::Kind::name) || at(Token::Kind::symbol) || at(Token::Kind::integer)
                                ? fmt::format(", found '{}'", token().text)
                                : "";
  throw TemplateError(token().line, what + found);
}

bool ExpressionParser::take_symbol(std::string_view text) {
  if (!at_symbol(text)) return false;
  ++at_;
  return true;
}

bool ExpressionParser::take_name(std::string_view text) {
  if (!at_name(text)) return false;
  ++at_;
  return true;
}

void ExpressionParser::expect_symbol(std::string_view text) {
  if (!take_symbol(text)) fail(fmt::format("expected '{}'", text));
}

std::string ExpressionParser::expect_name() {
  if (!at(Token::Kind::name)) fail("expected a name");
  return take().text;
}

void ExpressionParser::expect(Token::Kind kind, std::string_view what) {
  if (!at(kind)) fail(fmt::format("expected {}", what));
  ++at_;
}

ExpressionPointer ExpressionParser::make(EKind kind, std::string text) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = token().line;
  made->text = std::move(text);
  return made;
}

ExpressionPointer ExpressionParser::binary(std::string text, ExpressionPointer left,
                                           ExpressionPointer right) const {
  ExpressionPointer made = make(EKind::binary, std::move(text));
  made->parts.push_back(std::move(left));
  made->parts.push_back(std::move(right));
  return made;
}

ExpressionPointer ExpressionParser::expression_or_tuple() {
  ExpressionPointer first = expression();
  if (!at_symbol(",")) return first;
  ExpressionPointer list = make(EKind::tuple);
  list->parts.push_back(std::move(first));
  while (take_symbol(",")) {
    if (at(Token::Kind::end_expression) || at(Token::Kind::end_statement) || at_symbol(")")) break;
    list->parts.push_back(expression());
  }
  return list;
}

ExpressionPointer ExpressionParser::expression() {
  if (++depth_ > kDeepestExpression) fail("nested too deeply");
  ExpressionPointer value = either();
  while (at_name("if")) {
    ExpressionPointer made = make(EKind::conditional);
    ++at_;
    made->parts.push_back(std::move(value));
    made->parts.push_back(either());
    made->parts.push_back(take_name("else") ? expression() : nullptr);
    value = std::move(made);
  }
  --depth_;
  return value;
}

ExpressionPointer ExpressionParser::either() {
  ExpressionPointer left = both();
  while (take_name("or"))
    left = binary("or", std::move(left), both());
  return left;
}

ExpressionPointer ExpressionParser::both() {
  ExpressionPointer left = negation();
  while (take_name("and"))
    left = binary("and", std::move(left), negation());
  return left;
}

ExpressionPointer ExpressionParser::negation() {
  if (!at_name("not")) return comparison();
  if (++depth_ > kDeepestExpression) fail("nested too deeply");
  ExpressionPointer made = make(EKind::unary, "not");
  ++at_;
  made->parts.push_back(negation());
  --depth_;
  return made;
}

ExpressionPointer ExpressionParser::comparison() {
  ExpressionPointer first = sum();
  ExpressionPointer made = make(EKind::comparison);
  made->parts.push_back(std::move(first));
  while (true) {
    std::string name;
    const bool is_symbol =
        at(Token::Kind::symbol) && std::ranges::find(kComparisons, token().text) != std::end(kComparisons);
    if (is_symbol || at_name("in")) {
      name = take().text;
    } else if (at_name("not") && next_is_name("in")) {
      at_ += 2;
      name = "not in";
    } else {
      break;
    }
    made->operators.push_back(std::move(name));
    made->parts.push_back(sum());
  }
  return made->operators.empty() ? std::move(made->parts[0]) : std::move(made);
}

ExpressionPointer ExpressionParser::sum() {
  ExpressionPointer left = joined();
  while (at_symbol("+") || at_symbol("-")) {
    const std::string name = take().text;
    left = binary(name, std::move(left), joined());
  }
  return left;
}

ExpressionPointer ExpressionParser::joined() {
  ExpressionPointer left = product();
  while (take_symbol("~"))
    left = binary("~", std::move(left), product());
  return left;
}

ExpressionPointer ExpressionParser::product() {
  ExpressionPointer left = power();
  while (at_symbol("*") || at_symbol("/") || at_symbol("//") || at_symbol("%")) {
    const std::string name = take().text;
    left = binary(name, std::move(left), power());
  }
  return left;
}

// As Jinja has it, and not Python: -2 ** 2 is 4, and -x | abs is of -x.
ExpressionPointer ExpressionParser::power() {
  ExpressionPointer left = filtered(sign());
  while (take_symbol("**"))
    left = binary("**", std::move(left), filtered(sign()));
  return left;
}

ExpressionPointer ExpressionParser::sign() {
  if (!at_symbol("-") && !at_symbol("+")) return suffixes(primary());
  if (++depth_ > kDeepestExpression) fail("nested too deeply");
  ExpressionPointer made = make(EKind::unary, token().text);
  ++at_;
  made->parts.push_back(sign());
  --depth_;
  return suffixes(std::move(made));
}

ExpressionPointer ExpressionParser::filtered(ExpressionPointer value) {
  while (at_symbol("|") || at_name("is"))
    value = at_symbol("|") ? filters(std::move(value)) : test(std::move(value));
  return value;
}

ExpressionPointer ExpressionParser::suffixes(ExpressionPointer value) {
  while (true) {
    if (take_symbol(".")) {
      ExpressionPointer made = make(EKind::attribute);
      made->text = at(Token::Kind::integer) ? take().text : expect_name();
      made->parts.push_back(std::move(value));
      value = std::move(made);
    } else if (at_symbol("[")) {
      value = subscript(std::move(value));
    } else if (at_symbol("(")) {
      ExpressionPointer made = make(EKind::call);
      made->parts.push_back(std::move(value));
      arguments(*made);
      value = std::move(made);
    } else {
      return value;
    }
  }
}

ExpressionPointer ExpressionParser::subscript(ExpressionPointer value) {
  ExpressionPointer made = make(EKind::item);
  expect_symbol("[");
  made->parts.push_back(std::move(value));
  const auto bound = [&] { return at_symbol(":") || at_symbol("]") ? nullptr : expression(); };
  made->parts.push_back(bound());
  while (take_symbol(":")) {
    made->kind = EKind::slice;
    made->parts.push_back(bound());
  }
  if (made->kind == EKind::item && !made->parts[1]) fail("expected an index");
  if (made->parts.size() > 4) fail("too many colons");
  if (made->kind == EKind::slice) made->parts.resize(4);
  expect_symbol("]");
  return made;
}

ExpressionPointer ExpressionParser::filters(ExpressionPointer value) {
  while (take_symbol("|")) {
    ExpressionPointer made = make(EKind::filter);
    made->text = expect_name();
    made->parts.push_back(std::move(value));
    if (at_symbol("(")) arguments(*made);
    value = suffixes(std::move(made));
  }
  return value;
}

ExpressionPointer ExpressionParser::test(ExpressionPointer value) {
  take();  // is
  const bool negated = take_name("not");
  ExpressionPointer made = make(EKind::test);
  if (at(Token::Kind::symbol)) {
    made->text = take().text;
  } else {
    made->text = expect_name();
  }
  made->parts.push_back(std::move(value));
  const bool word_ends = at_name("else") || at_name("or") || at_name("and") || at_name("is") ||
                         at_name("if") || at_name("in") || at_name("not");
  if (at_symbol("(")) {
    arguments(*made);
  } else if ((at(Token::Kind::name) && !word_ends) || at(Token::Kind::string) || at(Token::Kind::integer) ||
             at_symbol("[") || at_symbol("{")) {
    made->parts.push_back(suffixes(primary()));
  }
  if (!negated) return made;
  ExpressionPointer no = make(EKind::unary, "not");
  no->parts.push_back(std::move(made));
  return no;
}

void ExpressionParser::arguments(Expression& call) {
  if (++depth_ > kDeepestExpression) fail("nested too deeply");
  expect_symbol("(");
  while (!take_symbol(")")) {
    if (at_symbol("*") || at_symbol("**")) fail("an argument list that is unpacked is not supported");
    const bool named = at(Token::Kind::name) && at_ + 1 < tokens_.size() &&
                       tokens_[at_ + 1].kind == Token::Kind::symbol && tokens_[at_ + 1].text == "=";
    if (named) {
      std::string name = take().text;
      ++at_;
      call.named.emplace_back(std::move(name), expression());
    } else {
      call.parts.push_back(expression());
    }
    if (!at_symbol(")")) expect_symbol(",");
  }
  --depth_;
}

ExpressionPointer ExpressionParser::primary() {
  ExpressionPointer made = make(EKind::literal);
  if (at_symbol("(") || at_symbol("[")) return bracketed();
  if (at_symbol("{")) return dictionary();
  if (at(Token::Kind::string)) {
    std::string text;
    while (at(Token::Kind::string))
      text += take().text;
    made->value = text;
  } else if (at(Token::Kind::integer)) {
    made->value = static_cast<std::int64_t>(std::stoll(take().text));
  } else if (at(Token::Kind::real)) {
    made->value = std::strtod(take().text.c_str(), nullptr);
  } else if (at_name("true") || at_name("True")) {
    made->value = true;
    ++at_;
  } else if (at_name("false") || at_name("False")) {
    made->value = false;
    ++at_;
  } else if (at_name("none") || at_name("None")) {
    made->value = None{};
    ++at_;
  } else if (at(Token::Kind::name)) {
    made->kind = EKind::name;
    made->text = take().text;
  } else {
    fail("expected a value");
  }
  return made;
}

// A list, a tuple, or an expression in parentheses.
ExpressionPointer ExpressionParser::bracketed() {
  if (++depth_ > kDeepestExpression) fail("nested too deeply");
  const bool round = at_symbol("(");
  ExpressionPointer list = make(round ? EKind::tuple : EKind::list);
  ++at_;
  const char* close = round ? ")" : "]";
  bool comma = false;
  while (!take_symbol(close)) {
    list->parts.push_back(expression());
    if (at_symbol(close)) continue;
    expect_symbol(",");
    comma = true;
  }
  --depth_;
  if (round && list->parts.size() == 1 && !comma) return std::move(list->parts[0]);
  return list;
}

ExpressionPointer ExpressionParser::dictionary() {
  if (++depth_ > kDeepestExpression) fail("nested too deeply");
  ExpressionPointer dict = make(EKind::dict);
  expect_symbol("{");
  while (!take_symbol("}")) {
    dict->parts.push_back(expression());
    expect_symbol(":");
    dict->parts.push_back(expression());
    if (!at_symbol("}")) expect_symbol(",");
  }
  --depth_;
  return dict;
}

}  // namespace toptheta::jinja
