// Rewrites a task's prompts as conversations in the form of the model's chat template.
#pragma once
#include <string_view>

#include "model/language_model.hpp"
#include "tasks/task.hpp"

namespace toptheta {

// Does what lm-evaluation-harness's --apply_chat_template does. The system message is `system` followed by
// the task's description; everything else before the answer, solved examples included, is one user message;
// the answer is the assistant's. The task must have been read with TaskOptions::chat. The start token that
// the template writes is removed if the tokenizer adds one. Throws UsageError for a task of texts, which ask
// nothing, and InputError if the model has no template or its template refuses the conversation.
Task as_chat(Task task, const LanguageModel& model, std::string_view system);

}  // namespace toptheta
