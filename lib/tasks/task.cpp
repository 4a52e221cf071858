#include "tasks/task.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/random.hpp"
#include "core/sha256.hpp"
#include "io/text_file.hpp"
#include "tasks/formats.hpp"
#include "tokenizer/unicode.hpp"

namespace toptheta {
namespace {

std::string known_formats() {
  std::string list = "one of";
  for (const TaskFormat& format : task_formats())
    list += fmt::format("\n      {}: {}", format.name, format.fields);
  return list;
}

std::string field_names(const nlohmann::json& object) {
  std::string names;
  for (const auto& [name, value] : object.items())
    names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "no fields" : names;
}

nlohmann::json parse_line(std::string_view line, const std::string& where) {
  try {
    nlohmann::json json = nlohmann::json::parse(line);
    if (json.is_object()) return json;
    JsonField(json, where).fail("wrong type", "one JSON object a line (a plain text must be named .txt)");
  } catch (const nlohmann::json::parse_error& error) {
    throw InputError({.where = where,
                      .what = "not valid JSON",
                      .expected = "one JSON object a line (a plain text must be named .txt)",
                      .found = error.what()});
  }
}

struct ParsedFile {
  const TaskFormat* format = nullptr;
  std::vector<ParsedExample> examples;
};

ParsedFile parse_lines(std::string_view text, const std::string& path) {
  ParsedFile file;
  std::int64_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}:{}", path, number);
    const nlohmann::json json = parse_line(line, where);
    if (file.format == nullptr) file.format = recognise(json);
    if (file.format == nullptr) {
      throw InputError({.where = where,
                        .what = "the fields fit no known data set",
                        .expected = known_formats(),
                        .found = field_names(json)});
    }
    file.examples.push_back(file.format->parse(JsonField(json, where)));
  }
  if (file.examples.empty()) {
    throw InputError({.where = path,
                      .what = "no examples",
                      .expected = "one JSON object a line",
                      .found = "an empty file"});
  }
  return file;
}

// Indices of the solved examples to show before example `own` of `count`.
std::vector<std::size_t> choose_shots(std::size_t own, std::size_t count, const TaskOptions& options) {
  std::vector<std::size_t> shots;
  const auto wanted = static_cast<std::size_t>(options.few_shot);
  if (!options.few_shot_seed) {
    for (std::size_t i = 0; shots.size() < wanted; ++i) {
      if (i != own) shots.push_back(i);
    }
    return shots;
  }
  // A partial shuffle of all the others; `others` maps 0 ... count - 2 around the example itself.
  Random random(*options.few_shot_seed, own);
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < count; ++i) {
    if (i != own) others.push_back(i);
  }
  for (std::size_t i = 0; i < wanted; ++i) {
    std::swap(others[i], others[i + random.below(others.size() - i)]);
    shots.push_back(others[i]);
  }
  return shots;
}

void put_before(const std::string& shots, MultipleChoiceExample& example) {
  for (std::string& context : example.contexts)
    context.insert(0, shots);
}
void put_before(const std::string& shots, ContinuationExample& example) {
  example.context.insert(0, shots);
}
void put_before(const std::string& shots, GenerationExample& example) {
  example.prompt.insert(0, shots);
}

Task::Examples evaluated(ParsedFile file, const TaskOptions& options) {
  const std::size_t count = file.examples.size();
  if (options.few_shot > 0 && static_cast<std::size_t>(options.few_shot) >= count) {
    throw UsageError({.where = "--few-shot",
                      .what = "too few examples to show",
                      .expected = fmt::format("at most {}, one less than the file holds", count - 1),
                      .found = std::to_string(options.few_shot)});
  }
  std::size_t limit = count;
  if (options.limit) limit = std::min(limit, static_cast<std::size_t>(*options.limit));
  return std::visit(
      [&]<typename Kind>(const Kind& /*first*/) -> Task::Examples {
        std::vector<Kind> examples;
        examples.reserve(limit);
        for (std::size_t i = 0; i < limit; ++i) {
          examples.push_back(std::get<Kind>(file.examples[i].example));
          if (options.few_shot == 0) continue;
          std::string shots;
          for (const std::size_t shot : choose_shots(i, count, options))
            shots += file.examples[shot].solved + "\n\n";
          put_before(shots, examples.back());
        }
        return examples;
      },
      file.examples.front().example);
}

std::vector<TextDocument> read_document(std::string text, const std::filesystem::path& path) {
  if (text.empty())
    throw InputError({.where = path.string(), .what = "an empty text", .expected = "some text"});
  if (const auto invalid = find_invalid_utf8(text)) {
    throw InputError({.where = fmt::format("{}: byte {}", path.string(), *invalid),
                      .what = "not valid UTF-8",
                      .next = "convert the file to UTF-8"});
  }
  return {{path.filename().string(), std::move(text)}};
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

Task load_task(const std::filesystem::path& path, const TaskOptions& options) {
  check(options);
  Task task;
  std::string text = read_file(path);
  task.name = path.stem().string();
  task.path = path.string();
  task.sha256 = sha256_of_text(text);
  if (path.extension() == ".txt") {
    task.format = "text";
    task.examples = read_document(std::move(text), path);
  } else {
    ParsedFile file = parse_lines(text, path.string());
    task.format = file.format->name;
    task.examples = evaluated(std::move(file), options);
  }
  return task;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t words = 1;
  bool in_space = false;
  for (std::size_t at = 0; at < text.size(); at += utf8_length(text[at])) {
    const char32_t c = first_code_point(text.substr(at));
    // Python's white space, which the harness splits at, includes four separators that Unicode's does not.
    const bool space = is_white_space(c) || (c >= 0x1C && c <= 0x1F);
    words += space && !in_space;
    in_space = space;
  }
  return words;
}

}  // namespace toptheta
