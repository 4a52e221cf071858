#include "tasks/task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "core/utf8.hpp"
#include "io/json_reader.hpp"
#include "io/text_file.hpp"
#include "tasks/example.hpp"
#include "tasks/few_shot.hpp"
#include "tasks/recognise.hpp"
#include "tasks/repeats.hpp"
#include "tasks/wikitext_text.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

JsonValue parse_line(std::string_view line, const std::string& where) {
  if (line[line.find_first_not_of(" \t\r")] != '{')
    throw InputError({.where = where,
                      .what = "not a JSON object",
                      .expected = "one JSON object a line (a plain text must be named .txt)",
                      .found = printable(shortened(line))});
  try {
    return parse_json(line, where);
  } catch (const InputError& error) {
    Problem problem = error.problem();
    constexpr std::string_view kOnlyLine = ":line 1, ";  // a line of the parsed text, not of the file
    const std::size_t at = problem.where.find(kOnlyLine, where.size());
    if (at != std::string::npos) problem.where.replace(at, kOnlyLine.size(), ":");
    throw InputError(std::move(problem));
  }
}

// How the lines of a file are to be read.
struct Reading {
  std::span<const TaskDefinition> tasks;
  const TaskDefinition* named = nullptr;
  ExampleWanted wanted{};
};

struct ParsedFile {
  TaskMatch match;  // that of the first line
  std::vector<ParsedExample> examples;
  std::vector<std::string> unused;  // fields of any line that its form does not know
  bool lacks_description = false;
  std::vector<std::string> repeated;  // sentences about lines that appear more than once
};

// The form that a line fits. Lines after the first must fit the first line's task, in any of its forms.
TaskMatch match_line(const JsonValue& line, const Reading& reading, const TaskMatch& first,
                     const std::filesystem::path& file) {
  if (reading.named != nullptr) return fit_named(line, *reading.named);
  if (first.task == nullptr) return recognise(line, reading.tasks, file);
  if (first.named) return fit_named(line, *first.task);
  for (const TaskForm& form : first.task->forms)
    if (form.recognition == first.form->recognition && !misfit(form, line, false, reading.tasks))
      return {first.task, &form};
  throw InputError(
      {.where = line.where(),
       .what = fmt::format("the line does not fit the task {}, which the first line fits", first.task->name),
       .expected = "the fields that its task file asks for (" + first.task->path.string() + ")",
       .found = misfit(*first.form, line, false, reading.tasks).value_or("another form")});
}

std::vector<std::string> unused_fields(const TaskForm& form, const JsonValue& line) {
  std::vector<std::string> unused;
  for (const auto& [name, value] : line.raw().items()) {
    const auto begins = [&name = name](const FieldPath& path) { return path.top() == name; };
    if (std::ranges::any_of(form.fields, begins) || std::ranges::any_of(form.marks, begins) ||
        std::ranges::find(form.known, name) != form.known.end() || form.defaults.contains(name))
      continue;
    unused.push_back(name);
  }
  return unused;
}

// Lines that appear more than once are looked for among the first `used` examples.
ParsedFile parse_lines(std::string_view text, const std::filesystem::path& path, const Reading& reading,
                       std::int64_t used) {
  ParsedFile file;
  RepeatedLines repeated;
  std::int64_t number = 0;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const JsonValue fields = parse_line(line, fmt::format("{}:{}", path.string(), number));
    const TaskMatch match = match_line(fields, reading, file.match, path);
    file.examples.push_back(parse_example(match, fields, reading.wanted));
    if (std::ssize(file.examples) <= used) repeated.add(line, fields.raw(), number);
    for (std::string& name : unused_fields(*match.form, fields))
      if (std::ranges::find(file.unused, name) == file.unused.end()) file.unused.push_back(std::move(name));
    if (file.match.task == nullptr) {
      file.match = match;
      file.lacks_description =
          !match.form->description.paths().empty() && file.examples.back().description.empty();
    }
  }
  if (file.examples.empty()) {
    throw InputError({.where = path.string(),
                      .what = "no examples",
                      .expected = "one JSON object a line",
                      .found = "an empty file"});
  }
  file.repeated = repeated.describe(path.string());
  return file;
}

void put_before(const std::string& text, MultipleChoiceExample& example) {
  for (std::string& context : example.contexts)
    context.insert(0, text);
}
void put_before(const std::string& text, ContinuationExample& example) {
  example.context.insert(0, text);
}
void put_before(const std::string& text, GenerationExample& example) {
  example.prompt.insert(0, text);
}

// Puts the description and the solved examples before the example; in a chat, the description becomes a
// separate message.
template <typename Kind>
void introduce(const std::string& description, const std::string& shots, bool chat, Kind& example) {
  put_before(chat ? shots : description + shots, example);
  if (chat) example.system = description;
}
void introduce(const std::string& /*description*/, const std::string& /*shots*/, bool /*chat*/,
               TextDocument& /*document*/) {}

Task::Examples evaluated(const ParsedFile& file, const TaskOptions& options, FewShot& few_shot) {
  std::size_t limit = file.examples.size();
  if (options.limit) limit = std::min(limit, static_cast<std::size_t>(*options.limit));
  return std::visit(
      [&]<typename Kind>(const Kind& /*first*/) -> Task::Examples {
        std::vector<Kind> examples;
        examples.reserve(limit);
        for (std::size_t i = 0; i < limit; ++i) {
          examples.push_back(std::get<Kind>(file.examples[i].example));
          introduce(file.examples[i].description, few_shot.before(i), options.chat, examples.back());
        }
        return examples;
      },
      file.examples.front().example);
}

bool is_plain_text(const std::filesystem::path& path) {
  constexpr std::string_view kEndings[] = {".txt", ".text", ".raw", ".md"};
  return std::ranges::find(kEndings, path.extension().string()) != std::end(kEndings);
}

std::vector<TextDocument> read_documents(std::string text, const std::filesystem::path& path,
                                         const TaskDefinition* task) {
  if (text.empty())
    throw InputError({.where = path.string(), .what = "an empty text", .expected = "some text"});
  if (const auto invalid = find_invalid_utf8(text)) {
    throw InputError({.where = fmt::format("{}: byte {}", path.string(), *invalid),
                      .what = "not valid UTF-8",
                      .next = "convert the file to UTF-8"});
  }
  const std::string name = path.filename().string();
  if (task == nullptr || task->articles.empty()) return {{name, std::move(text), {}}};
  std::vector<TextDocument> documents;
  for (std::string& article : wikitext_articles(text)) {
    std::string plain = detokenized_wikitext(article);
    documents.push_back(
        {fmt::format("{}#{}", name, documents.size() + 1), std::move(plain), std::move(article)});
  }
  return documents;
}

void check(const TaskOptions& options) {
  if (options.limit && *options.limit < 1) {
    throw UsageError({.where = "--limit",
                      .what = "out of range",
                      .expected = "at least 1",
                      .found = std::to_string(*options.limit)});
  }
  if (options.few_shot < 0) {
    throw UsageError({.where = "--few-shot",
                      .what = "out of range",
                      .expected = "at least 0",
                      .found = std::to_string(options.few_shot)});
  }
}

void add_notes(const ParsedFile& file, Task& task) {
  if (!file.unused.empty())
    task.notes.push_back(fmt::format("{}: the task {} does not use the fields {}", task.path, task.format,
                                     fmt::join(file.unused, ", ")));
  if (file.lacks_description)
    task.notes.push_back(fmt::format(
        "{}: the description that {} puts before everything is left out, because its field is missing",
        task.path, task.format));
  task.notes.insert(task.notes.end(), file.repeated.begin(), file.repeated.end());
  if (const auto* choices = std::get_if<std::vector<MultipleChoiceExample>>(&task.examples))
    if (std::string equal = describe_equal_choices(*choices); !equal.empty())
      task.notes.push_back(std::move(equal));
}

void load_lines(const std::string& text, const std::filesystem::path& path, const Reading& reading,
                const TaskOptions& options, Task& task) {
  const ParsedFile file =
      parse_lines(text, path, reading, options.limit.value_or(std::numeric_limits<std::int64_t>::max()));
  task.format = file.match.task->name;
  task.answer = file.match.task->answer;
  const Reading shots{reading.tasks, file.match.task, {.solved = true}};
  FewShot few_shot(file.examples, path, file.match.form->separator, options,
                   [&shots](const std::filesystem::path& other) {
                     return parse_lines(read_file(other), other, shots, 0).examples;
                   });
  task.examples = evaluated(file, options, few_shot);
  for (const std::filesystem::path& other : few_shot.files())
    task.inputs.push_back({other.string(), sha256_of_path(other)});
  add_notes(file, task);
}

}  // namespace

std::string_view name_of(TaskKind kind) {
  switch (kind) {
    case TaskKind::text:
      return "text";
    case TaskKind::multiple_choice:
      return "multiple-choice";
    case TaskKind::continuation:
      return "continuation";
    case TaskKind::generation:
      break;
  }
  return "generation";
}

std::int64_t Task::size() const {
  return std::visit([](const auto& list) { return static_cast<std::int64_t>(list.size()); }, examples);
}

Task load_task(const std::filesystem::path& path, std::span<const TaskDefinition> tasks,
               const TaskOptions& options, const TaskDefinition* named) {
  check(options);
  Task task;
  std::string text = read_file(path);
  task.name = path.stem().string();
  task.path = path.string();
  task.sha256 = sha256_of_text(text);
  if (is_plain_text(path) && (named == nullptr || named->kind == TaskKind::text)) {
    task.format = named != nullptr ? named->name : "text";
    std::vector<TextDocument> documents = read_documents(std::move(text), path, named);
    if (options.limit && *options.limit < static_cast<std::int64_t>(documents.size()))
      documents.resize(static_cast<std::size_t>(*options.limit));
    task.examples = std::move(documents);
  } else {
    load_lines(text, path, {tasks, named, {options.few_shot > 0, options.chat}}, options, task);
  }
  return task;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t words = 1;
  bool in_space = false;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const char32_t c = first_code_point(text.substr(at));
    // Python's white space, at which the harness splits, includes four separators that Unicode's does not.
    const bool space = is_white_space(c) || (c >= 0x1C && c <= 0x1F);
    words += space && !in_space;
    in_space = space;
  }
  return words;
}

}  // namespace toptheta
