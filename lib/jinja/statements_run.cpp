// Runs the statements of a template.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "jinja/builtins.hpp"
#include "jinja/interpreter.hpp"

namespace toptheta::jinja {

std::string Interpreter::run(const Block& block, Dict variables) {
  Interpreter interpreter;
  Scope scope;
  for (auto& [name, value] : variables)
    scope.variables[name] = std::move(value);
  interpreter.run_block(block, scope);
  return std::move(interpreter.output_);
}

void Interpreter::step(int line) {
  if (++steps_ > kMostSteps) throw TemplateError(line, fmt::format("more than {} steps", kMostSteps));
}

void Interpreter::print(const std::string& text, int line) {
  if (output_.size() + text.size() > kLongestOutput)
    throw TemplateError(line, fmt::format("prints more than {} bytes", kLongestOutput));
  output_ += text;
}

Interpreter::Flow Interpreter::run_block(const Block& block, Scope& scope) {
  for (const Statement& statement : block) {
    const Flow flow = run_statement(statement, scope);
    if (flow != Flow::on) return flow;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement, Scope& scope) {
  using Kind = Statement::Kind;
  step(statement.line);
  switch (statement.kind) {
    case Kind::text:
      print(statement.text, statement.line);
      break;
    case Kind::output:
      print(evaluate(*statement.expression, scope).text(), statement.line);
      break;
    case Kind::condition:
      return run_block(evaluate(*statement.expression, scope).truth() ? statement.body : statement.otherwise,
                       scope);
    case Kind::loop:
      return run_loop(statement, scope);
    case Kind::set:
      run_set(statement, scope);
      break;
    case Kind::set_block: {
      const Value text = printed_by(statement.body, scope);
      scope.variables[statement.names[0]] =
          statement.expression ? evaluate_filter(*statement.expression, scope, text) : text;
      break;
    }
    case Kind::filter_block: {
      const Value text = printed_by(statement.body, scope);
      print(evaluate_filter(*statement.expression, scope, text).text(), statement.line);
      break;
    }
    case Kind::macro:
      define_macro(statement, scope);
      break;
    case Kind::leave:
      return Flow::leave;
    case Kind::next:
      return Flow::next;
  }
  return Flow::on;
}

std::string Interpreter::printed_by(const Block& block, Scope& scope) {
  std::string before = std::exchange(output_, std::string());
  Scope inner{.variables = {}, .outer = &scope};
  run_block(block, inner);
  return std::exchange(output_, std::move(before));
}

namespace {

// Assigns a value to one name, or its elements to several names.
template <typename Variables>
void assign(Variables& variables, const std::vector<std::string>& names, const Value& value, int line) {
  if (names.size() == 1) {
    variables[names[0]] = value;
    return;
  }
  const List parts = elements_of(value, line);
  if (parts.size() != names.size())
    throw TemplateError(line, fmt::format("{} names for {} values", names.size(), parts.size()));
  for (std::size_t i = 0; i < names.size(); ++i)
    variables[names[i]] = parts[i];
}

Value loop_variable(const List& elements, std::size_t i) {
  const auto count = static_cast<std::int64_t>(elements.size());
  const auto at = static_cast<std::int64_t>(i);
  return Dict{{"index", at + 1},
              {"index0", at},
              {"revindex", count - at},
              {"revindex0", count - at - 1},
              {"first", i == 0},
              {"last", at + 1 == count},
              {"length", count},
              {"previtem", i > 0 ? elements[i - 1] : Value(Undefined{"previtem"})},
              {"nextitem", at + 1 < count ? elements[i + 1] : Value(Undefined{"nextitem"})}};
}

}  // namespace

Interpreter::Flow Interpreter::run_loop(const Statement& statement, Scope& scope) {
  const Value iterable = evaluate(*statement.expression, scope);
  List elements;
  for (Value& element : elements_of(iterable, statement.line)) {
    if (statement.filter) {
      step(statement.line);
      Scope seen{.variables = {}, .outer = &scope};
      assign(seen.variables, statement.names, element, statement.line);
      if (!evaluate(*statement.filter, seen).truth()) continue;
    }
    elements.push_back(std::move(element));
  }
  if (elements.empty()) return run_block(statement.otherwise, scope);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    step(statement.line);
    Scope round{.variables = {}, .outer = &scope};
    assign(round.variables, statement.names, elements[i], statement.line);
    round.variables["loop"] = loop_variable(elements, i);
    if (run_block(statement.body, round) == Flow::leave) break;
  }
  return Flow::on;
}

void Interpreter::run_set(const Statement& statement, Scope& scope) {
  const Value value = evaluate(*statement.expression, scope);
  if (statement.text.empty()) return assign(scope.variables, statement.names, value, statement.line);
  Expression name;
  name.kind = Expression::Kind::name;
  name.text = statement.text;
  const Value space = evaluate_name(name, scope);
  if (!space.is_namespace())
    throw TemplateError(statement.line, fmt::format("'{}' is not a namespace", statement.text));
  if (value.holds_namespace())
    throw TemplateError(statement.line, "a namespace inside a namespace is not supported");
  if (Value* there = space.find(statement.names[0])) {
    *there = value;
  } else {
    space.dict().emplace_back(statement.names[0], value);
  }
}

void Interpreter::define_macro(const Statement& statement, Scope& scope) {
  // When it is called, a macro sees the template's own scope, which lives as long as the run.
  if (scope.outer != nullptr) throw TemplateError(statement.line, "a macro inside a loop is not supported");
  scope.variables[statement.names[0]] = Function([this, &statement, &scope](const Arguments& arguments) {
    return call_macro(statement, scope, arguments);
  });
}

Value Interpreter::call_macro(const Statement& macro, const Scope& outer, const Arguments& arguments) {
  if (++calls_ > kDeepestCall) throw TemplateError(arguments.line, "macros call each other too deeply");
  const std::size_t parameters = macro.names.size() - 1;
  if (arguments.positional.size() > parameters)
    throw TemplateError(arguments.line, fmt::format("too many arguments for '{}'", macro.names[0]));
  for (const auto& [name, value] : arguments.named) {
    if (std::find(macro.names.begin() + 1, macro.names.end(), name) == macro.names.end())
      throw TemplateError(arguments.line, fmt::format("'{}' has no parameter '{}'", macro.names[0], name));
  }
  Scope scope{.variables = {}, .outer = &outer};
  const std::size_t required = parameters - macro.defaults.size();
  for (std::size_t i = 0; i < parameters; ++i) {
    const std::string& name = macro.names[i + 1];
    if (const Value* given = arguments.find(i, name)) {
      scope.variables[name] = *given;
    } else {
      scope.variables[name] =
          i >= required ? evaluate(*macro.defaults[i - required], scope) : Undefined{name};
    }
  }
  std::string before = std::exchange(output_, std::string());
  run_block(macro.body, scope);
  --calls_;
  return std::exchange(output_, std::move(before));
}

}  // namespace toptheta::jinja
