#include "eval/chat.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {

namespace {

class ChatWriter {
 public:
  ChatWriter(const LanguageModel& model, std::string_view system) : chat_(model.chat), system_(system) {
    if (const auto bos = model.tokenizer.bos()) bos_ = model.tokenizer.piece(*bos).value_or("");
  }

  // Renders a conversation. A blank line separates the user's own system message from the task's, unless
  // there is white space already.
  [[nodiscard]] std::string text(const std::string& introduction, const std::string& said) const {
    std::string system = system_;
    if (!system.empty() && !introduction.empty() && trailing_white_space(system) == 0 &&
        leading_white_space(introduction) == 0)
      system += "\n\n";
    std::string text = render_chat(chat_, system + introduction, said);
    if (!bos_.empty() && text.starts_with(bos_)) text.erase(0, bos_.size());
    return text;
  }

 private:
  ChatTemplate chat_;
  std::string system_;
  std::string bos_;
};

void write(const ChatWriter& chat, MultipleChoiceExample& example) {
  for (std::string& context : example.contexts)
    context = chat.text(example.system, context);
}
void write(const ChatWriter& chat, ContinuationExample& example) {
  example.context = chat.text(example.system, example.context);
}
void write(const ChatWriter& chat, GenerationExample& example) {
  example.prompt = chat.text(example.system, example.prompt);
}
void write(const ChatWriter& /*chat*/, TextDocument& /*document*/) {}

}  // namespace

Task as_chat(Task task, const LanguageModel& model, std::string_view system) {
  if (task.kind() == TaskKind::text)
    throw UsageError(
        {.where = "--chat",
         .what = fmt::format("{} is a text and asks nothing that an assistant could answer", task.path),
         .expected = "multiple choice, continuations or prompts",
         .next = "evaluate texts without --chat"});
  const ChatWriter chat(model, system);
  std::visit(
      [&chat](auto& examples) {
        for (auto& example : examples)
          write(chat, example);
      },
      task.examples);
  return task;
}

}  // namespace toptheta
