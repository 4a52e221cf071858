#include "tasks/formats.hpp"

#include <algorithm>

#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

constexpr TaskFormat kFormats[] = {
    {"multiple choice", {"context", "choices"}, "context, choices, label", parse_multiple_choice},
    {"HellaSwag", {"ctx_a", "endings"}, "activity_label, ctx_a, ctx_b, endings, label", parse_hellaswag},
    {"ARC",
     {"question", "answerKey"},
     "question {stem, choices}, answerKey; or question, choices, answerKey",
     parse_arc},
    {"PIQA", {"goal", "sol1"}, "goal, sol1, sol2, label", parse_piqa},
    {"WinoGrande", {"sentence", "option1"}, "sentence, option1, option2, answer", parse_winogrande},
    {"BoolQ", {"passage", "question"}, "passage, question, answer or label", parse_boolq},
    {"HumanEval",
     {"prompt", "entry_point"},
     "task_id, prompt, entry_point, canonical_solution",
     parse_humaneval},
    {"generation",
     {"prompt", "answer"},
     "prompt, answer, optional stop and max_new_tokens",
     parse_generation},
    {"GSM8K", {"question", "answer"}, "question, answer", parse_gsm8k},
    {"LAMBADA", {"text", "text"}, "text", parse_lambada},
};

}  // namespace

std::span<const TaskFormat> task_formats() {
  return kFormats;
}

const TaskFormat* recognise(const nlohmann::json& object) {
  const auto* found = std::ranges::find_if(kFormats, [&](const TaskFormat& format) {
    return std::ranges::all_of(format.recognised_by,
                               [&](std::string_view field) { return object.contains(field); });
  });
  return found == std::end(kFormats) ? nullptr : found;
}

std::string with_delimiter(std::string_view context, std::string_view text) {
  const bool apart = context.empty() || trailing_white_space(context) > 0 || leading_white_space(text) > 0;
  return (apart ? "" : " ") + std::string(text);
}

}  // namespace toptheta
