#include <fmt/format.h>

#include <algorithm>

#include "tasks/formats.hpp"
#include "tasks/hellaswag_text.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

// A label written as a number, in either way data sets do: 2 or "2".
std::int64_t label_in(const JsonField& field, std::int64_t first, std::int64_t count) {
  std::int64_t label = -1;
  if (!field.json().is_string()) {
    label = field.as_int();
  } else if (const std::string& text = field.as_string();
             text.size() == 1 && text[0] >= '0' && text[0] <= '9') {
    label = text[0] - '0';
  }
  if (label < first || label >= first + count) {
    field.fail("label out of range", fmt::format("{} to {}", first, first + count - 1));
  }
  return label - first;
}

// Adds a choice: its length counts `choice`, the model reads `continuation`.
void add_choice(MultipleChoiceExample& example, const JsonField& field, std::string_view choice,
                const std::string& continuation) {
  if (strip_white_space(choice).empty()) field.fail("empty choice", "some text");
  example.continuations.push_back(continuation);
  example.lengths.push_back(count_code_points(choice));
}

void require_choices(const JsonField& choices, std::int64_t count) {
  if (count < 2) choices.fail("too few choices", "at least 2");
}

ParsedExample finished(MultipleChoiceExample example) {
  std::string solved =
      example.context(example.label) + example.continuations[static_cast<std::size_t>(example.label)];
  return {std::move(example), std::move(solved)};
}

}  // namespace

ParsedExample parse_multiple_choice(const JsonField& line) {
  MultipleChoiceExample example;
  const std::string& context = line.at("context").as_string();
  example.contexts = {context};
  const JsonField choices = line.at("choices");
  for (const JsonField& field : choices.elements()) {
    const std::string& choice = field.as_string();
    const std::string_view bare = std::string_view(choice).substr(leading_white_space(choice));
    add_choice(example, field, bare, with_delimiter(context, choice));
  }
  require_choices(choices, example.num_choices());
  const JsonField label = line.at("label");
  if (label.json().is_string()) (void)label.as_int();  // our own format has numbers only
  example.label = label_in(label, 0, example.num_choices());
  return finished(std::move(example));
}

ParsedExample parse_hellaswag(const JsonField& line) {
  MultipleChoiceExample example;
  example.contexts = {without_wikihow_marks(line.at("activity_label").as_string() + ": " +
                                            line.at("ctx_a").as_string() + " " +
                                            capitalized(line.at("ctx_b").as_string()))};
  const JsonField endings = line.at("endings");
  for (const JsonField& field : endings.elements()) {
    const std::string choice = without_wikihow_marks(field.as_string());
    add_choice(example, field, choice, " " + choice);
  }
  require_choices(endings, example.num_choices());
  example.label = label_in(line.at("label"), 0, example.num_choices());
  return finished(std::move(example));
}

ParsedExample parse_arc(const JsonField& line) {
  MultipleChoiceExample example;
  const JsonField question = line.at("question");
  const bool nested = question.json().is_object();
  const JsonField stem = nested ? question.at("stem") : question;
  const JsonField choices = nested ? question.at("choices") : line.at("choices");
  example.contexts = {fmt::format("Question: {}\nAnswer:", stem.as_string())};
  std::vector<std::string> labels;
  const auto add = [&](const JsonField& text, const JsonField& label) {
    add_choice(example, text, text.as_string(), " " + text.as_string());
    labels.push_back(label.as_string());
  };
  if (choices.json().is_array()) {
    for (const JsonField& choice : choices.elements())
      add(choice.at("text"), choice.at("label"));
  } else {
    const auto texts = choices.at("text").elements();
    const auto names = choices.at("label").elements();
    if (texts.size() != names.size()) choices.fail("as many labels as texts are needed");
    for (std::size_t i = 0; i < texts.size(); ++i)
      add(texts[i], names[i]);
  }
  require_choices(choices, example.num_choices());
  const JsonField key = line.at("answerKey");
  const auto right = std::ranges::find(labels, key.as_string());
  if (right == labels.end())
    key.fail("no choice has this label", fmt::format("one of {}", fmt::join(labels, ", ")));
  example.label = right - labels.begin();
  return finished(std::move(example));
}

ParsedExample parse_piqa(const JsonField& line) {
  MultipleChoiceExample example;
  example.contexts = {fmt::format("Question: {}\nAnswer:", line.at("goal").as_string())};
  for (const char* name : {"sol1", "sol2"}) {
    const JsonField field = line.at(name);
    add_choice(example, field, field.as_string(), " " + field.as_string());
  }
  example.label = label_in(line.at("label"), 0, 2);
  return finished(std::move(example));
}

// Partial evaluation: the options fill the blank, and the same rest of the sentence is scored after each.
ParsedExample parse_winogrande(const JsonField& line) {
  MultipleChoiceExample example;
  const JsonField field = line.at("sentence");
  const std::string& sentence = field.as_string();
  const std::size_t blank = sentence.find('_');
  if (blank == std::string::npos) field.fail("no blank to fill", "a sentence with a _");
  const std::string rest(strip_white_space(std::string_view(sentence).substr(blank + 1)));
  if (rest.empty()) field.fail("nothing follows the blank", "some text after the _");
  for (const char* name : {"option1", "option2"}) {
    example.contexts.push_back(sentence.substr(0, blank) + line.at(name).as_string());
    add_choice(example, field, rest, " " + rest);
  }
  example.label = label_in(line.at("answer"), 1, 2);
  return finished(std::move(example));
}

ParsedExample parse_boolq(const JsonField& line) {
  MultipleChoiceExample example;
  example.contexts = {fmt::format("{}\nQuestion: {}?\nAnswer:", line.at("passage").as_string(),
                                  line.at("question").as_string())};
  for (const char* choice : {"no", "yes"})
    add_choice(example, line, choice, std::string(" ") + choice);
  const auto label = line.find("label");
  example.label = label ? label_in(*label, 0, 2) : line.at("answer").as_bool();
  return finished(std::move(example));
}

}  // namespace toptheta
