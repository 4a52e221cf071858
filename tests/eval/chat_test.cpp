#include "eval/chat.hpp"

#include "core/error.hpp"
#include "support/catch.hpp"
#include "support/embedded_model.hpp"

using namespace toptheta;
using testing::embedded;

namespace {

// The embedded model brings no template: one for the time of a test.
struct WithTemplate {
  explicit WithTemplate(const std::string& source) {
    embedded().chat = {source, "test", {{"bos_token", "<s>"}}};
  }
  ~WithTemplate() { embedded().chat = {}; }
  WithTemplate(const WithTemplate&) = delete;
  WithTemplate& operator=(const WithTemplate&) = delete;
};

const std::string kTurns =
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt "
    "%}<assistant>{% endif "
    "%}";

Task prompts() {
  Task task;
  task.name = "t";
  GenerationExample example;
  example.prompt = "Q: 1?\nA: 2\n\nQ: 3?\nA:";
  example.answer = "4";
  example.max_new_tokens = 4;
  example.system = "Count.\n\n";
  task.examples = std::vector<GenerationExample>{example};
  return task;
}

std::string prompt_of(const Task& task) {
  return std::get<std::vector<GenerationExample>>(task.examples)[0].prompt;
}

}  // namespace

TEST_CASE("a prompt with its solved examples is what one user says", "[chat]") {
  const WithTemplate with(kTurns);
  CHECK(prompt_of(as_chat(prompts(), embedded(), "")) ==
        "<system>Count.\n\n<user>Q: 1?\nA: 2\n\nQ: 3?\nA:<assistant>");
  CHECK(prompt_of(as_chat(prompts(), embedded(), "Be brief.")) ==
        "<system>Be brief.\n\nCount.\n\n<user>Q: 1?\nA: 2\n\nQ: 3?\nA:<assistant>");
  Task plain = prompts();
  std::get<std::vector<GenerationExample>>(plain.examples)[0].system.clear();
  CHECK(prompt_of(as_chat(plain, embedded(), "")).starts_with("<user>Q: 1?"));
}

TEST_CASE("every choice's context is put so, and a continuation's", "[chat]") {
  const WithTemplate with(kTurns);
  Task task;
  task.examples = std::vector<MultipleChoiceExample>{{{"one", "two"}, {"a", "b"}, {1, 1}, 0, {}}};
  const Task chat = as_chat(task, embedded(), "");
  const auto& question = std::get<std::vector<MultipleChoiceExample>>(chat.examples)[0];
  CHECK(question.contexts == std::vector<std::string>{"<user>one<assistant>", "<user>two<assistant>"});
  CHECK(question.continuations == std::vector<std::string>{"a", "b"});
  task.examples = std::vector<ContinuationExample>{{"once", " upon", {}}};
  const Task continued = as_chat(task, embedded(), "");
  CHECK(std::get<std::vector<ContinuationExample>>(continued.examples)[0].context == "<user>once<assistant>");
}

TEST_CASE("texts, models without a template and templates that refuse are refused", "[chat]") {
  Task text;
  text.path = "book.txt";
  text.examples = std::vector<TextDocument>{{"t", "Once.", {}}};
  CHECK_THROWS_AS(as_chat(text, embedded(), ""), UsageError);
  CHECK_THROWS_AS(as_chat(prompts(), embedded(), ""), InputError);
  const WithTemplate with("{{ raise_exception('no system role') }}");
  CHECK_THROWS_AS(as_chat(prompts(), embedded(), ""), InputError);
}
