// Conditions on results, for gates: "acc < dense - 0.01", "kept_elements > 0.12", "perplexity > 1.01 * A".
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace toptheta {

// Whose value of a metric is meant.
enum class ConditionSide { own, dense, first };  // the cell's; that of dense beside it; that of the cell in A

// One step of an expression in postfix order: a number, a value, or one of + - * / on the last two values
// (~ on the last one: its negative).
struct ConditionStep {
  char kind = '#';  // '#' number, '@' value, or the sign
  double number = 0;
  ConditionSide side = ConditionSide::own;
  std::string metric{};
};

// Says the value of a metric; throws where there is none.
using ConditionValues = std::function<double(ConditionSide side, const std::string& metric)>;

struct Condition {
  std::string text{};
  std::vector<ConditionStep> left{};
  std::string comparison{};  // <, <=, >, >=, ==, !=
  std::vector<ConditionStep> right{};
  std::vector<std::string> metrics{};  // that it asks of a cell itself, each once

  [[nodiscard]] bool asks(ConditionSide side) const;
  // Whether it holds. Where either side is not a number every condition holds: a gate does not let it pass.
  [[nodiscard]] bool holds(const ConditionValues& values) const;
};

// EXPRESSION OP EXPRESSION, of numbers (1% is 0.01), + - * / and parentheses, names of metrics, `dense` and
// `A`, which are the same metric of dense and of A, and dense.METRIC and A.METRIC, another. Throws UsageError
// naming --fail-if.
Condition parse_condition(const std::string& text);

}  // namespace toptheta
