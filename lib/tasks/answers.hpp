// Whether a generated text is the right answer.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "tasks/task.hpp"

namespace toptheta {

// `text` up to the first occurrence of any of `stop`.
std::string_view cut_at_stop(std::string_view text, std::span<const std::string> stop);

// Compares as lm-evaluation-harness does: the answer is what match.extract finds in the generated text, or
// all of it without white space at both ends; what match.ignore names is taken out of both sides; then they
// must be equal. No match of `extract` is wrong.
bool is_right(const AnswerMatch& match, std::string_view answer, std::string_view generated);

}  // namespace toptheta
