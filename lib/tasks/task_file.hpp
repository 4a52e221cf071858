// Task files: what a data set's lines look like and how they are put to a model, as data (docs/tasks.md).
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/substitute.hpp"
#include "tasks/task.hpp"
#include "tasks/template.hpp"

namespace toptheta {

// One template that becomes a list or a text, or several that become one text each.
struct TemplateList {
  std::vector<Template> templates;
  [[nodiscard]] bool empty() const { return templates.empty(); }
  [[nodiscard]] TemplateValue evaluate(const JsonField& line) const;
};

// Whether, and by what, a line's data set is told from its fields.
enum class Recognition {
  fields,     // by the fields alone
  file_name,  // by the fields, in a file whose name begins with the task's name
  never,      // only where the task is named: --task NAME:FILE
};

// A field whose text must match.
struct FieldPattern {
  FieldPath path;
  Substitution pattern;
  std::string about;  // what it looks for, in words
};

// How one shape of a data set's lines is read. A task file has one or several.
struct TaskForm {
  // Recognition.
  std::vector<FieldPath> fields;   // what a line must have
  std::vector<FieldPath> marks;    // what it must have besides where it is recognised, not where it is named
  std::vector<std::string> known;  // other fields that say nothing of the data set, or are used where present
  std::vector<FieldPath> refuse;   // what a line must not have
  std::vector<FieldPattern> where;
  bool strict = false;  // where recognised, a line has no field but those above
  Recognition recognition = Recognition::fields;
  nlohmann::json defaults = nlohmann::json::object();  // for fields that a line lacks

  // Requests.
  TemplateList context;                        // one, or one for each choice
  const TextFilter* context_filter = nullptr;  // for a finished context; null: none
  TemplateList choices;                        // multiple choice
  Template label;                              // which of them is right
  TemplateList labels;                   // what `label` is looked up among; empty: it is an index from 0
  Template continuation;                 // continuation tasks
  Template text;                         // texts
  std::optional<Template> target;        // generation: the right answer, as it is shown solved
  std::optional<Template> id;            // generation: written beside the completion
  TemplateList stop;                     // generation
  Template max_new_tokens;               // generation
  std::optional<std::string> delimiter;  // between context and answer; none: a space where neither has one

  // Solved examples before the question.
  std::string separator = "\n\n";
  Template description;          // before everything, also without examples
  std::optional<Template> shot;  // a whole solved example, where it is not context, delimiter and answer
  std::optional<Template> file;  // where they come from, beside the data; none: from the same file
  std::optional<Template> same;  // only examples for which this is what it is for the question
};

struct TaskDefinition {
  std::string name;
  std::vector<std::string> aliases;  // other names it goes by
  std::string about;                 // one line for people
  TaskKind kind = TaskKind::text;
  std::string articles;  // texts: how a plain file is cut into documents; "" = it is one, "wikitext"
  std::vector<TaskForm> forms;
  std::shared_ptr<const AnswerRule> answer;  // generation
  std::filesystem::path path;
  std::string sha256;
  bool own = false;  // the user's own (--task-file): goes before those that come with the program
  std::shared_ptr<const TextMaps> maps;

  [[nodiscard]] bool is_called(std::string_view name) const;
};

// Throws InputError, naming file, line or key, for what is not a task file; keys that it does not know are
// refused.
TaskDefinition read_task_file(const std::filesystem::path& path);

// All task files (.toml) of a directory, by name. Throws InputError where two share a name.
std::vector<TaskDefinition> read_task_files(const std::filesystem::path& directory);

}  // namespace toptheta
