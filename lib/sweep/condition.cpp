#include "sweep/condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "core/error.hpp"
#include "core/utf8.hpp"

namespace toptheta {

namespace {

constexpr std::array<std::string_view, 6> kComparisons = {"<=", ">=", "==", "!=", "<", ">"};
constexpr std::string_view kDense = "dense";
constexpr std::string_view kFirst = "A";
constexpr int kDeepest = 50;  // nested parentheses and signs

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class ConditionParser {
 public:
  explicit ConditionParser(const std::string& text) : text_(text) { condition_.text = text; }

  Condition parse() {
    condition_.left = side();
    condition_.comparison = comparison();
    condition_.right = side();
    skip();
    if (at_ != text_.size())
      refuse(fmt::format("'{}' is not understood", shortened(std::string_view(text_).substr(at_))));
    name_references();
    return std::move(condition_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw UsageError({.where = fmt::format("--fail-if '{}'", text_),
                      .what = what,
                      .expected =
                          "a comparison (<, <=, >, >=, ==, !=) of metrics, numbers, dense and A: 'acc < "
                          "dense - 0.01', 'perplexity > 1.01 * A'",
                      .next = "see docs/gate.md"});
  }

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t'))
      ++at_;
  }
  // The next character, '\0' at the end.
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  std::string comparison() {
    skip();
    for (const std::string_view sign : kComparisons)
      if (std::string_view(text_).substr(at_).starts_with(sign)) {
        at_ += sign.size();
        return std::string(sign);
      }
    refuse(at_ == text_.size()
               ? "has no comparison"
               : fmt::format("'{}' is not a comparison", shortened(std::string_view(text_).substr(at_))));
  }

  std::vector<ConditionStep> side() {
    steps_.clear();
    sum();
    return std::move(steps_);
  }

  void sum() {
    product();
    for (char sign = peek(); sign == '+' || sign == '-'; sign = peek()) {
      ++at_;
      product();
      steps_.push_back({.kind = sign});
    }
  }

  void product() {
    factor();
    for (char sign = peek(); sign == '*' || sign == '/'; sign = peek()) {
      ++at_;
      factor();
      steps_.push_back({.kind = sign});
    }
  }

  void factor() {
    if (++depth_ > kDeepest) refuse("is nested too deeply");
    const char sign = peek();
    if (sign == '-') {
      ++at_;
      factor();
      steps_.push_back({.kind = '~'});
    } else if (sign == '(') {
      ++at_;
      sum();
      if (peek() != ')') refuse("a parenthesis is not closed");
      ++at_;
    } else if (is_letter(sign)) {
      name();
    } else {
      number();
    }
    --depth_;
  }

  void number() {
    double value = 0;
    const char* const end = text_.data() + text_.size();
    const auto [rest, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc() || !std::isfinite(value) || !(is_digit(peek()) || peek() == '.'))
      refuse(at_ == text_.size() ? "ends too soon"
                                 : fmt::format("'{}' is neither a number nor a name",
                                               shortened(std::string_view(text_).substr(at_))));
    at_ = static_cast<std::size_t>(rest - text_.data());
    if (at_ < text_.size() && text_[at_] == '%') {
      ++at_;
      value /= 100;
    }
    steps_.push_back({.number = value});
  }

  void name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.'))
      ++at_;
    std::string_view word = std::string_view(text_).substr(begin, at_ - begin);
    ConditionStep step{.kind = '@'};
    for (const auto& [prefix, side] :
         {std::pair{kDense, ConditionSide::dense}, std::pair{kFirst, ConditionSide::first}}) {
      if (word != prefix && !(word.starts_with(prefix) && word[prefix.size()] == '.')) continue;
      step.side = side;
      word = word == prefix ? std::string_view() : word.substr(prefix.size() + 1);
      if (word.empty() && text_[at_ - 1] == '.') refuse(fmt::format("{}. names no metric", prefix));
      break;
    }
    step.metric = word;
    std::vector<std::string>& metrics = condition_.metrics;
    if (step.side == ConditionSide::own && std::ranges::count(metrics, step.metric) == 0)
      metrics.push_back(step.metric);
    steps_.push_back(std::move(step));
  }

  // `dense` and `A` stand for the single metric of the cell that the condition names.
  void name_references() {
    if (condition_.metrics.empty()) refuse("names no metric of the cell itself");
    for (std::vector<ConditionStep>* steps : {&condition_.left, &condition_.right})
      for (ConditionStep& step : *steps) {
        if (step.kind != '@' || !step.metric.empty()) continue;
        if (condition_.metrics.size() > 1)
          refuse(fmt::format("does not say which metric of {} is meant",
                             step.side == ConditionSide::dense ? kDense : kFirst));
        step.metric = condition_.metrics.front();
      }
  }

  const std::string& text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<ConditionStep> steps_;
  Condition condition_;
};

double value_of(const std::vector<ConditionStep>& steps, const ConditionValues& values) {
  std::vector<double> stack;
  for (const ConditionStep& step : steps) {
    if (step.kind == '#' || step.kind == '@') {
      stack.push_back(step.kind == '#' ? step.number : values(step.side, step.metric));
      continue;
    }
    const double last = stack.back();
    if (step.kind == '~') {
      stack.back() = -last;
      continue;
    }
    stack.pop_back();
    double& first = stack.back();
    if (step.kind == '+') first += last;
    if (step.kind == '-') first -= last;
    if (step.kind == '*') first *= last;
    if (step.kind == '/') first /= last;
  }
  return stack.front();
}

}  // namespace

bool Condition::asks(ConditionSide side) const {
  const auto of_side = [side](const ConditionStep& step) { return step.kind == '@' && step.side == side; };
  return std::ranges::any_of(left, of_side) || std::ranges::any_of(right, of_side);
}

bool Condition::holds(const ConditionValues& values) const {
  const double a = value_of(left, values);
  const double b = value_of(right, values);
  if (std::isnan(a) || std::isnan(b)) return true;
  if (comparison == "<") return a < b;
  if (comparison == "<=") return a <= b;
  if (comparison == ">") return a > b;
  if (comparison == ">=") return a >= b;
  return comparison == "==" ? a == b : a != b;
}

Condition parse_condition(const std::string& text) {
  return ConditionParser(text).parse();
}

}  // namespace toptheta
