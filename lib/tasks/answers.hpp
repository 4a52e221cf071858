// Decides whether a generated text is the right answer.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "tasks/task.hpp"

namespace toptheta {

// `text` up to the first occurrence of any stop string, none of which may be empty.
std::string_view cut_at_stop(std::string_view text, std::span<const std::string> stop);

// Compares as lm-evaluation-harness does. The answer is what match.extract finds in the generated text, or
// the whole text without an `extract`; if `extract` finds nothing, the answer is wrong. What match.ignore
// matches is removed from both sides, upper case and punctuation are ignored if the match says so, and white
// space at both ends is stripped. Then both sides must be equal.
bool is_right(const AnswerMatch& match, std::string_view answer, std::string_view generated);

}  // namespace toptheta
