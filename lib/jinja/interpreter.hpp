// Runs the syntax tree of a template.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jinja/syntax.hpp"

namespace toptheta::jinja {

class Interpreter {
 public:
  // Returns what the template prints. Throws TemplateError where Template::render() throws InputError.
  static std::string run(const Block& block, Dict variables);

 private:
  // The variables of the template, of an iteration of a loop, or of a call of a macro. Those of outer scopes
  // are visible.
  struct Scope {
    std::map<std::string, Value, std::less<>> variables;
    const Scope* outer = nullptr;
  };
  enum class Flow {
    on,
    leave,  // a break that has not reached its loop yet
    next,   // likewise, a continue
  };

  // Limits on time and memory, far above what chats need, for templates that would run forever.
  static constexpr std::int64_t kMostSteps = 2'000'000;
  static constexpr std::size_t kLongestOutput = std::size_t{64} << 20U;  // bytes
  static constexpr int kDeepestCall = 60;

  void step(int line);
  void print(const std::string& text, int line);
  Flow run_block(const Block& block, Scope& scope);
  Flow run_statement(const Statement& statement, Scope& scope);
  Flow run_loop(const Statement& statement, Scope& scope);
  void run_set(const Statement& statement, Scope& scope);
  std::string printed_by(const Block& block, Scope& scope);
  void define_macro(const Statement& statement, Scope& scope);
  Value call_macro(const Statement& macro, const Scope& outer, const Arguments& arguments);

  Value evaluate(const Expression& expression, const Scope& scope);
  Value evaluate_name(const Expression& expression, const Scope& scope) const;
  Value evaluate_item(const Expression& expression, const Scope& scope);
  Value evaluate_slice(const Expression& expression, const Scope& scope);
  Value evaluate_call(const Expression& expression, const Scope& scope);
  Value evaluate_binary(const Expression& expression, const Scope& scope);
  Value evaluate_comparison(const Expression& expression, const Scope& scope);
  Value evaluate_unary(const Expression& expression, const Scope& scope);
  Value evaluate_filter(const Expression& expression, const Scope& scope, const Value& value);
  Arguments arguments_of(const Expression& expression, const Scope& scope);

  std::string output_;
  std::int64_t steps_ = 0;
  int calls_ = 0;
};

}  // namespace toptheta::jinja
