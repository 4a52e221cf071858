// Conditions on results, for gates: "acc < dense - 0.01", "kept_elements > 0.12", "perplexity > 1.01 * A".
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace toptheta {

// Whose value of a metric is meant: the cell's own, that of its dense run, or that of its partner in A.
enum class ConditionSide { own, dense, first };

// One step of an expression in postfix order: a number, a value, or one of + - * / on the last two values
// (~ on the last one: its negative).
struct ConditionStep {
  char kind = '#';  // '#' number, '@' value, or the sign
  double number = 0;
  ConditionSide side = ConditionSide::own;
  std::string metric{};
};

// Returns the value of a metric; throws if there is none.
using ConditionValues = std::function<double(ConditionSide side, const std::string& metric)>;

struct Condition {
  std::string text{};
  std::vector<ConditionStep> left{};
  std::string comparison{};  // <, <=, >, >=, ==, !=
  std::vector<ConditionStep> right{};
  std::vector<std::string> metrics{};  // of the cell itself that the condition names, each once

  [[nodiscard]] bool asks(ConditionSide side) const;
  // Whether it holds. If either side is not a number, every condition holds, so that a gate does not let it
  // pass.
  [[nodiscard]] bool holds(const ConditionValues& values) const;
};

// Parses EXPRESSION OP EXPRESSION. Expressions consist of numbers (1% is 0.01), + - * /, parentheses, and
// names of metrics. `dense` and `A` are the same metric of dense and of A; dense.METRIC and A.METRIC are
// other metrics of these. Throws UsageError that names --fail-if.
Condition parse_condition(const std::string& text);

}  // namespace toptheta
