// Task files describe, as data, what the lines of a data set look like and how they become prompts
// (docs/tasks.md).
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/substitute.hpp"
#include "tasks/task.hpp"
#include "tasks/template.hpp"

namespace toptheta {

// A single template, which may become a text or a list, or several templates that become one text each.
struct TemplateList {
  std::vector<Template> templates;
  [[nodiscard]] bool empty() const { return templates.empty(); }
  [[nodiscard]] TemplateValue evaluate(const JsonValue& line) const;
};

// How the program recognises that a line belongs to a data set.
enum class Recognition {
  fields,     // by the fields alone
  file_name,  // by the fields, in a file whose name begins with the task's name
  never,      // not at all: the user must name the task, --task NAME:FILE
};

// A condition on a field: its text must match.
struct FieldPattern {
  FieldPath path;
  Substitution pattern;
  std::string about;  // what the text must be, in words for messages
};

// How one form of a data set's lines is read. A task file has one form or several.
struct TaskForm {
  // Recognition. "If recognised" means: but not if the user names the task.
  std::vector<FieldPath> fields;    // fields that a line must have
  std::vector<FieldPath> marks;     // further fields that it must have if recognised
  std::vector<std::string> known;   // other fields that do not tell the data set, or are used if present
  std::vector<FieldPath> refuse;    // fields that a line must not have if recognised
  std::vector<FieldPattern> where;  // conditions on fields if recognised
  bool strict = false;              // if recognised, a line must have no fields but the above
  Recognition recognition = Recognition::fields;
  nlohmann::json defaults = nlohmann::json::object();  // values of fields that a line lacks

  // Requests.
  TemplateList context;                        // one, or one per choice
  const TextFilter* context_filter = nullptr;  // applied to the finished context; null: none
  TemplateList choices;                        // multiple choice
  Template label;                              // multiple choice: which choice is right
  TemplateList labels;             // the texts among which `label` is found; empty: it is an index from 0
  Template continuation;           // continuation tasks
  Template text;                   // texts
  std::optional<Template> target;  // generation: the right answer
  std::optional<Template> id;      // generation: written next to the completion
  TemplateList stop;               // generation: stop strings
  Template max_new_tokens;         // generation
  std::optional<std::string> delimiter;  // between context and answer; none: a space unless one is there

  // Solved examples before the question.
  std::string separator = "\n\n";  // after each solved example
  Template description;            // before everything else, also without solved examples
  std::optional<Template> shot;    // a solved example, if it is not context, delimiter and answer
  std::optional<Template> file;    // the file of solved examples, next to the data; none: the same file
  std::optional<Template> same;    // only examples with the same value as the question are shown
};

struct TaskDefinition {
  std::string name;
  std::vector<std::string> aliases;  // other names of the task
  std::string about;                 // a description of one line
  TaskKind kind = TaskKind::text;
  std::string articles;  // texts: how a plain file is cut into documents: "wikitext", or "" for one document
  std::vector<TaskForm> forms;
  std::shared_ptr<const AnswerRule> answer;  // generation: how answers are compared
  std::filesystem::path path;
  std::string sha256;
  bool own = false;  // the user's own task (--task-file), which takes precedence over those that are shipped
  std::shared_ptr<const TextMaps> maps;

  // Whether this is the task's name or one of its aliases.
  [[nodiscard]] bool is_called(std::string_view name) const;
};

// Reads a task file. Throws InputError, naming the file and line or key, for anything else, and for unknown
// keys.
TaskDefinition read_task_file(const std::filesystem::path& path);

// Reads all task files (.toml) of a directory, in the order of their file names. Throws InputError if two
// share a name.
std::vector<TaskDefinition> read_task_files(const std::filesystem::path& directory);

}  // namespace toptheta
