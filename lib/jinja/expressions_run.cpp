// Evaluates the expressions of a template.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "jinja/builtins.hpp"
#include "jinja/interpreter.hpp"

namespace toptheta::jinja {
namespace {

using IKind = Value::Kind;
using XKind = Expression::Kind;

[[noreturn]] void undefined_used(const Value& value, int line, const std::string& what) {
  throw TemplateError(line, fmt::format("'{}' is not defined{}", value.missing_name(), what));
}

std::int64_t checked(bool overflowed, std::int64_t value, int line) {
  if (overflowed) throw TemplateError(line, "the number is too large");
  return value;
}

Value whole_arithmetic(const std::string& name, std::int64_t a, std::int64_t b, int line) {
  std::int64_t result = 0;
  if (name == "+") {
    const bool over = __builtin_add_overflow(a, b, &result);
    return checked(over, result, line);
  }
  if (name == "-") {
    const bool over = __builtin_sub_overflow(a, b, &result);
    return checked(over, result, line);
  }
  if (name == "*") {
    const bool over = __builtin_mul_overflow(a, b, &result);
    return checked(over, result, line);
  }
  if (name == "**")
    return b >= 0 ? Value(static_cast<std::int64_t>(std::clamp(std::pow(a, b), -9e18, 9e18)))
                  : Value(std::pow(a, b));
  if (b == 0) throw TemplateError(line, "division by zero");
  if (name == "/") return static_cast<double>(a) / static_cast<double>(b);
  // Round towards minus infinity, as in Python.
  const bool inexact = a % b != 0 && (a < 0) != (b < 0);
  if (name == "//") return a / b - (inexact ? 1 : 0);
  return a % b + (inexact ? b : 0);
}

Value arithmetic(const std::string& name, const Value& a, const Value& b, int line) {
  if (a.is_whole() && b.is_whole()) return whole_arithmetic(name, a.whole(), b.whole(), line);
  const double x = a.number();
  const double y = b.number();
  if (name == "+") return x + y;
  if (name == "-") return x - y;
  if (name == "*") return x * y;
  if (name == "**") return std::pow(x, y);
  if (y == 0) throw TemplateError(line, "division by zero");
  if (name == "/") return x / y;
  const double floor = std::floor(x / y);
  return name == "//" ? floor : x - floor * y;
}

// The first index of a Python slice, and the index before which it stops.
struct Bounds {
  std::int64_t begin;
  std::int64_t end;
  std::int64_t step;
};

Bounds bounds_of(const Value* begin, const Value* end, const Value* step, std::int64_t count, int line) {
  const auto number = [&](const Value* value, std::int64_t absent) {
    if (value == nullptr || value->is(IKind::none)) return absent;
    if (!value->is(IKind::integer)) throw TemplateError(line, "a slice needs whole numbers");
    return value->integer();
  };
  const std::int64_t by = number(step, 1);
  if (by == 0) throw TemplateError(line, "the step of a slice is 0");
  const auto place = [&](const Value* value, std::int64_t absent) {
    if (value == nullptr || value->is(IKind::none)) return absent;
    const std::int64_t at = number(value, 0);
    const std::int64_t from_start = at < 0 ? at + count : at;
    return by > 0 ? std::clamp<std::int64_t>(from_start, 0, count)
                  : std::clamp<std::int64_t>(from_start, -1, count - 1);
  };
  return {place(begin, by > 0 ? 0 : count - 1), place(end, by > 0 ? count : -1), by};
}

}  // namespace

Value Interpreter::evaluate(const Expression& expression, const Scope& scope) {
  step(expression.line);
  const auto& parts = expression.parts;
  switch (expression.kind) {
    case XKind::literal:
      return expression.value;
    case XKind::name:
      return evaluate_name(expression, scope);
    case XKind::list:
    case XKind::tuple: {
      List list;
      for (const auto& part : parts)
        list.push_back(evaluate(*part, scope));
      return expression.kind == XKind::tuple ? Value::tuple(std::move(list)) : Value(std::move(list));
    }
    case XKind::dict: {
      Dict dict;
      for (std::size_t i = 0; i < parts.size(); i += 2)
        dict.emplace_back(evaluate(*parts[i], scope).text(), evaluate(*parts[i + 1], scope));
      return dict;
    }
    case XKind::attribute: {
      const Value value = evaluate(*parts[0], scope);
      if (value.is(IKind::undefined))
        undefined_used(value, expression.line, fmt::format(": no '{}' in it", expression.text));
      return attribute_of(value, expression.text);
    }
    case XKind::item:
      return evaluate_item(expression, scope);
    case XKind::slice:
      return evaluate_slice(expression, scope);
    case XKind::call:
      return evaluate_call(expression, scope);
    case XKind::filter:
      return evaluate_filter(expression, scope, Value());
    case XKind::test: {
      Arguments arguments = arguments_of(expression, scope);
      return apply_test(expression.text, evaluate(*parts[0], scope), arguments);
    }
    case XKind::unary:
      return evaluate_unary(expression, scope);
    case XKind::binary:
      return evaluate_binary(expression, scope);
    case XKind::comparison:
      return evaluate_comparison(expression, scope);
    case XKind::conditional:
      if (evaluate(*parts[1], scope).truth()) return evaluate(*parts[0], scope);
      return parts[2] ? evaluate(*parts[2], scope) : Value(Undefined{"the other case of an if"});
  }
  return {};
}

Value Interpreter::evaluate_name(const Expression& expression, const Scope& scope) const {
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    const auto found = at->variables.find(expression.text);
    if (found != at->variables.end()) return found->second;
  }
  if (is_global(expression.text)) {
    return Function(
        [name = expression.text](const Arguments& arguments) { return call_global(name, arguments); });
  }
  return Undefined{expression.text};
}

Value Interpreter::evaluate_item(const Expression& expression, const Scope& scope) {
  const Value value = evaluate(*expression.parts[0], scope);
  const Value index = evaluate(*expression.parts[1], scope);
  if (value.is(IKind::undefined)) undefined_used(value, expression.line, ": nothing in it");
  if (index.is(IKind::string)) return attribute_of(value, index.string());
  if (index.is(IKind::integer) && (value.is(IKind::list) || value.is(IKind::string))) {
    const List list = value.is(IKind::list) ? value.list() : elements_of(value, expression.line);
    const std::int64_t at = index.integer() < 0 ? index.integer() + std::ssize(list) : index.integer();
    if (at >= 0 && at < std::ssize(list)) return list[static_cast<std::size_t>(at)];
  }
  return Undefined{index.text()};
}

Value Interpreter::evaluate_slice(const Expression& expression, const Scope& scope) {
  const Value value = evaluate(*expression.parts[0], scope);
  if (value.is(IKind::undefined)) undefined_used(value, expression.line, ": nothing in it");
  if (!value.is(IKind::list) && !value.is(IKind::string))
    throw TemplateError(expression.line, value.kind_name() + " cannot be sliced");
  Value bounds[3];
  const Value* given[3] = {nullptr, nullptr, nullptr};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!expression.parts[i + 1]) continue;
    bounds[i] = evaluate(*expression.parts[i + 1], scope);
    given[i] = &bounds[i];
  }
  const List list = elements_of(value, expression.line);
  const Bounds cut = bounds_of(given[0], given[1], given[2], std::ssize(list), expression.line);
  List result;
  for (std::int64_t i = cut.begin; cut.step > 0 ? i < cut.end : i > cut.end; i += cut.step)
    result.push_back(list[static_cast<std::size_t>(i)]);
  if (value.is(IKind::list)) return Value::same_kind(std::move(result), value);
  std::string text;
  for (const Value& character : result)
    text += character.string();
  return text;
}

Arguments Interpreter::arguments_of(const Expression& expression, const Scope& scope) {
  Arguments arguments{.line = expression.line};
  for (std::size_t i = 1; i < expression.parts.size(); ++i)
    arguments.positional.push_back(evaluate(*expression.parts[i], scope));
  for (const auto& [name, value] : expression.named)
    arguments.named.emplace_back(name, evaluate(*value, scope));
  return arguments;
}

Value Interpreter::evaluate_call(const Expression& expression, const Scope& scope) {
  const Arguments arguments = arguments_of(expression, scope);
  const Expression& called = *expression.parts[0];
  if (called.kind == XKind::attribute) {
    const Value value = evaluate(*called.parts[0], scope);
    const Value* member = value.find(called.text);
    if (member == nullptr || !member->is(IKind::function)) return call_method(called.text, value, arguments);
    return member->function()(arguments);
  }
  const Value function = evaluate(called, scope);
  if (function.is(IKind::undefined)) undefined_used(function, expression.line, " and cannot be called");
  if (!function.is(IKind::function))
    throw TemplateError(expression.line, function.kind_name() + " cannot be called");
  return function.function()(arguments);
}

Value Interpreter::evaluate_filter(const Expression& expression, const Scope& scope, const Value& value) {
  const Value input = expression.parts[0] == nullptr ? value
                      : expression.parts[0]->kind == XKind::filter
                          ? evaluate_filter(*expression.parts[0], scope, value)
                          : evaluate(*expression.parts[0], scope);
  return apply_filter(expression.text, input, arguments_of(expression, scope));
}

Value Interpreter::evaluate_unary(const Expression& expression, const Scope& scope) {
  const Value value = evaluate(*expression.parts[0], scope);
  if (expression.text == "not") return !value.truth();
  if (!value.is_number()) throw TemplateError(expression.line, value.kind_name() + " has no sign");
  if (value.is_whole()) return whole_arithmetic(expression.text, 0, value.whole(), expression.line);
  return expression.text == "+" ? value : Value(-value.number());
}

Value Interpreter::evaluate_binary(const Expression& expression, const Scope& scope) {
  const std::string& name = expression.text;
  Value left = evaluate(*expression.parts[0], scope);
  if (name == "and") return left.truth() ? evaluate(*expression.parts[1], scope) : left;
  if (name == "or") return left.truth() ? left : evaluate(*expression.parts[1], scope);
  const Value right = evaluate(*expression.parts[1], scope);
  if (name == "~") {
    std::string text = left.text();
    text += right.text();
    if (text.size() > kLongestOutput) throw TemplateError(expression.line, "the string is too long");
    return text;
  }
  if (left.is(IKind::undefined)) undefined_used(left, expression.line, fmt::format(" ({})", name));
  if (right.is(IKind::undefined)) undefined_used(right, expression.line, fmt::format(" ({})", name));
  if (left.is_number() && right.is_number()) return arithmetic(name, left, right, expression.line);
  if (name == "+" && left.is(IKind::string) && right.is(IKind::string)) {
    if (left.string().size() + right.string().size() > kLongestOutput)
      throw TemplateError(expression.line, "the string is too long");
    return left.string() + right.string();
  }
  if (name == "+" && left.is(IKind::list) && right.is(IKind::list) && left.is_tuple() == right.is_tuple()) {
    List joined = left.list();
    joined.insert(joined.end(), right.list().begin(), right.list().end());
    return Value::same_kind(std::move(joined), left);
  }
  if (name == "*" && left.is(IKind::string) && right.is(IKind::integer)) {
    const std::int64_t times = std::max<std::int64_t>(right.integer(), 0);
    if (times > 1'000'000 || left.string().size() * static_cast<std::size_t>(times) > kLongestOutput)
      throw TemplateError(expression.line, "the string is too long");
    std::string text;
    for (std::int64_t i = 0; i < times; ++i)
      text += left.string();
    return text;
  }
  throw TemplateError(expression.line, fmt::format("'{}' of {} and {} is not supported", name,
                                                   left.kind_name(), right.kind_name()));
}

Value Interpreter::evaluate_comparison(const Expression& expression, const Scope& scope) {
  Value left = evaluate(*expression.parts[0], scope);
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    const std::string& name = expression.operators[i];
    Value right = evaluate(*expression.parts[i + 1], scope);
    const int line = expression.line;
    const bool holds = name == "=="       ? equal(left, right)
                       : name == "!="     ? !equal(left, right)
                       : name == "in"     ? contains(right, left, line)
                       : name == "not in" ? !contains(right, left, line)
                       : name == "<"      ? less(left, right, line)
                       : name == ">"      ? less(right, left, line)
                       : name == "<="     ? !less(right, left, line)
                                          : !less(left, right, line);
    if (!holds) return false;
    left = std::move(right);
  }
  return true;
}

}  // namespace toptheta::jinja
