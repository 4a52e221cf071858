#include "core/error.hpp"

#include "core/utf8.hpp"

namespace toptheta {

std::string format_problem(const Problem& problem) {
  std::string text = problem.where;
  if (!problem.what.empty()) text += (text.empty() ? "" : ": ") + problem.what;
  const auto line = [&text](const char* name, const std::string& value) {
    if (value.empty()) return;
    text += "\n  ";
    text += name;
    text += ": ";
    text += value;
  };
  line("expected", problem.expected);
  line("found", problem.found);
  line("next", problem.next);
  return printable(text, /*keep_lines=*/true);  // a name in a file must not steer the user's terminal
}

Error::Error(ExitStatus status, Problem problem)
    : std::runtime_error(format_problem(problem)), status_(status), problem_(std::move(problem)) {}

}  // namespace toptheta
