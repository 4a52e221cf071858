#include "tasks/example.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

bool is_blank(std::string_view text) {
  return strip_white_space(text).empty();
}

void require_text(const TemplateValue& value, std::size_t index, const char* what) {
  if (is_blank(value.texts[index]))
    throw InputError({.where = value.places[index].where(),
                      .what = std::string("empty ") + what,
                      .expected = "some text"});
}

TemplateValue require_one(TemplateValue value, const JsonValue& line, const char* what) {
  if (value.is_list)
    throw InputError({.where = line.where(),
                      .what = fmt::format("a list where the task needs one {}", what),
                      .found = fmt::format("{} texts", value.texts.size())});
  return value;
}

TemplateValue one_text(const Template& from, const JsonValue& line, const char* what) {
  return require_one(from.evaluate(line), line, what);
}

// The first field that the list of templates reads, or the line if it reads none.
std::string place_of(const TemplateList& list, const JsonValue& line) {
  const auto paths = list.templates.front().paths();
  return paths.empty() ? line.where() : TextPlace{line, paths.front().text()}.where();
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The index of the right choice: the position of `label` among the labels or, if it is not among them, the
// number that `label` is.
std::int64_t label_of(const TaskForm& form, const JsonValue& line, std::int64_t choices) {
  const TemplateValue label = one_text(form.label, line, "label");
  const std::string& text = label.texts.front();
  const auto refuse = [&](const std::string& what, const std::string& expected) -> std::int64_t {
    throw InputError({.where = label.places.front().where(),
                      .what = what,
                      .expected = expected,
                      .found = "\"" + text + "\""});
  };
  bool numbers_are_labels = false;
  if (!form.labels.empty()) {
    const TemplateValue labels = form.labels.evaluate(line);
    if (static_cast<std::int64_t>(labels.texts.size()) != choices)
      throw InputError({.where = labels.places.empty() ? line.where() : labels.places.front().where(),
                        .what = "there must be as many labels as choices",
                        .expected = fmt::format("{}", choices),
                        .found = fmt::format("{}", labels.texts.size())});
    const auto found = std::ranges::find(labels.texts, text);
    if (std::ranges::count(labels.texts, text) > 1)
      return refuse("several choices have this label",
                    fmt::format("a label of one of {}", fmt::join(labels.texts, ", ")));
    if (found != labels.texts.end()) return found - labels.texts.begin();
    numbers_are_labels = std::ranges::any_of(
        labels.texts, [](const std::string& one) { return whole_number(one).has_value(); });
    // A text that is none of the labels is wrong even if it is a number: next to A, B, C, D, "1" could count
    // from 0 or from 1.
    const auto paths = form.label.paths();
    bool is_list = false;
    const bool number = !paths.empty() && paths.front().follow(line, is_list).front().is_number();
    if (numbers_are_labels || !number)
      return refuse("no choice has this label", fmt::format("one of {}", fmt::join(labels.texts, ", ")));
  }
  const auto index = whole_number(text);
  if (!index || *index < 0 || *index >= choices)
    return refuse("label out of range", fmt::format("0 to {}", choices - 1));
  return *index;
}

// `text` with the delimiter that separates it from `context`.
std::string continued(const TaskForm& form, std::string_view context, const std::string& text) {
  return form.delimiter ? *form.delimiter + text : with_delimiter(context, text);
}

TemplateValue contexts_of(const TaskForm& form, const JsonValue& line) {
  TemplateValue contexts = form.context.evaluate(line);
  if (form.context_filter != nullptr) {
    FilterInput input{std::move(contexts.texts), contexts.is_list};
    form.context_filter->apply(input, {});
    contexts.texts = std::move(input.texts);
  }
  return contexts;
}

MultipleChoiceExample choice_example(const TaskForm& form, const JsonValue& line, bool chat) {
  MultipleChoiceExample example;
  TemplateValue contexts = contexts_of(form, line);
  const TemplateValue choices = form.choices.evaluate(line);
  const bool per_choice = contexts.is_list;
  if (!choices.is_list && !per_choice)
    throw InputError(
        {.where = choices.places.front().where(), .what = "one text where the task needs a list of choices"});
  const std::size_t count = per_choice ? contexts.texts.size() : choices.texts.size();
  if (count < 2 || (choices.is_list && choices.texts.size() != count))
    throw InputError({.where = place_of(form.choices, line),
                      .what = count < 2 ? "too few choices" : "there must be as many choices as contexts",
                      .expected = count < 2 ? "at least 2" : fmt::format("{}", count),
                      .found = fmt::format("{}", choices.texts.size())});
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t at = choices.is_list ? c : 0;
    require_text(choices, at, "choice");
    const std::string& choice = choices.texts[at];
    const std::string& context = contexts.texts[per_choice ? c : 0];
    example.continuations.push_back(chat ? choice : continued(form, context, choice));
    const std::size_t skipped = form.delimiter ? 0 : leading_white_space(choice);
    example.lengths.push_back(count_code_points(std::string_view(choice).substr(skipped)));
  }
  example.contexts = std::move(contexts.texts);
  example.label = label_of(form, line, static_cast<std::int64_t>(count));
  return example;
}

ContinuationExample continuation_example(const TaskForm& form, const JsonValue& line) {
  const TemplateValue context = require_one(contexts_of(form, line), line, "context");
  const TemplateValue continuation = one_text(form.continuation, line, "continuation");
  require_text(context, 0, "context");
  require_text(continuation, 0, "continuation");
  return {context.texts.front(), continued(form, context.texts.front(), continuation.texts.front()), {}};
}

GenerationExample generation_example(const TaskForm& form, const JsonValue& line) {
  GenerationExample example;
  const TemplateValue prompt = require_one(contexts_of(form, line), line, "prompt");
  require_text(prompt, 0, "prompt");
  const TemplateValue answer = one_text(*form.target, line, "answer");
  require_text(answer, 0, "answer");
  example.prompt = prompt.texts.front();
  example.answer = answer.texts.front();
  if (form.id) example.id = form.id->render(line);
  if (!form.stop.empty()) {
    TemplateValue stop = form.stop.evaluate(line);
    for (std::size_t i = 0; i < stop.texts.size(); ++i)
      if (stop.texts[i].empty())
        throw InputError(
            {.where = stop.places[i].where(), .what = "empty stop text", .expected = "some text"});
    example.stop = std::move(stop.texts);
  }
  const TemplateValue most = one_text(form.max_new_tokens, line, "number");
  const auto number = whole_number(most.texts.front());
  if (!number || *number < 1)
    throw InputError({.where = most.places.front().where(),
                      .what = "out of range",
                      .expected = "a whole number of at least 1",
                      .found = most.texts.front()});
  example.max_new_tokens = *number;
  return example;
}

TextDocument document(const TaskForm& form, const JsonValue& line) {
  const TemplateValue text = one_text(form.text, line, "text");
  require_text(text, 0, "text");
  TextDocument result{line.where(), text.texts.front(), {}};
  // Words and bytes are counted in the original text.
  const auto paths = form.text.paths();
  if (paths.size() == 1) {
    bool is_list = false;
    const auto fields = paths.front().follow(line, is_list);
    if (!is_list && fields.front().text() != result.text) result.original = fields.front().text();
  }
  return result;
}

std::string solved_text(const TaskForm& form, const JsonValue& line, const Example& example) {
  if (form.shot) return form.shot->render(line);
  if (const auto* choice = std::get_if<MultipleChoiceExample>(&example))
    return choice->context(choice->label) + choice->continuations[static_cast<std::size_t>(choice->label)];
  if (const auto* continuation = std::get_if<ContinuationExample>(&example))
    return continuation->context + continuation->continuation;
  if (const auto* generation = std::get_if<GenerationExample>(&example))
    return generation->prompt + continued(form, generation->prompt, generation->answer);
  return {};
}

Example example_of(const TaskMatch& match, const JsonValue& line, bool chat) {
  const auto placed = [&line](auto example) -> Example {
    example.place = line.where();
    return example;
  };
  switch (match.task->kind) {
    case TaskKind::text:
      return document(*match.form, line);
    case TaskKind::multiple_choice:
      return placed(choice_example(*match.form, line, chat));
    case TaskKind::continuation:
      return placed(continuation_example(*match.form, line));
    case TaskKind::generation:
      break;
  }
  return placed(generation_example(*match.form, line));
}

// Whether the line has every field that the template reads.
bool has_all(const Template& text, const JsonValue& line) {
  const auto paths = text.paths();
  return std::ranges::all_of(paths, [&](const FieldPath& path) { return path.is_in(line.raw()); });
}

// The line with the values of the fields that it lacks.
JsonValue with_defaults(const JsonValue& line, const nlohmann::json& defaults) {
  if (defaults.empty()) return line;
  nlohmann::json complete = line.raw();
  for (const auto& [name, value] : defaults.items())
    if (!complete.contains(name) || complete.at(name).is_null()) complete[name] = value;
  return json_value(std::move(complete), line.where());
}

}  // namespace

std::string with_delimiter(std::string_view context, std::string_view text) {
  const bool apart = context.empty() || trailing_white_space(context) > 0 || leading_white_space(text) > 0;
  return (apart ? "" : " ") + std::string(text);
}

ParsedExample parse_example(const TaskMatch& match, const JsonValue& line, ExampleWanted wanted) {
  const TaskForm& form = *match.form;
  const JsonValue fields = with_defaults(line, form.defaults);
  ParsedExample parsed;
  parsed.example = example_of(match, fields, false);
  if (wanted.solved) parsed.solved = solved_text(form, fields, parsed.example);
  if (wanted.chat) parsed.example = example_of(match, fields, true);
  if (has_all(form.description, fields)) parsed.description = form.description.render(fields);
  if (form.file && has_all(*form.file, fields)) parsed.shots_from = form.file->render(fields);
  if (form.same && has_all(*form.same, fields)) parsed.same = form.same->render(fields);
  return parsed;
}

}  // namespace toptheta
