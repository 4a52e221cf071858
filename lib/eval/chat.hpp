// A task put to a model as its chat template puts conversations.
#pragma once
#include <string_view>

#include "model/language_model.hpp"
#include "tasks/task.hpp"

namespace toptheta {

// As lm-evaluation-harness's --apply_chat_template does: everything before the answer, solved examples
// included, is what one user says, after a system message of `system` and of what the task puts before
// everything; the answer is the assistant's. `task`: read with TaskOptions::chat. The template's own start
// token is left out where the tokenizer puts one. Throws UsageError for texts, which ask nothing, InputError
// where the model brings no template or its template refuses the conversation.
Task as_chat(Task task, const LanguageModel& model, std::string_view system);

}  // namespace toptheta
