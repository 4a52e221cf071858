// Whether a generated text is the right answer.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "tasks/task.hpp"

namespace toptheta {

// `text` up to the first occurrence of any of `stop`.
std::string_view cut_at_stop(std::string_view text, std::span<const std::string> stop);

// Compares by the example's rule. Requires a rule other than AnswerRule::none.
//   stripped: equal, white space at both ends of either aside.
//   gsm8k: the first "#### NUMBER" of the generated text against the number after the last "####" of the
//   answer, both without commas, dollar signs and a full stop at the end (lm-evaluation-harness, strict
//   match); no "####" is wrong.
bool is_right(const GenerationExample& example, std::string_view generated);

}  // namespace toptheta
