#include "tasks/recognise.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace toptheta {
namespace {

bool requires_field(const TaskForm& form, std::string_view name) {
  const auto begins = [name](const FieldPath& path) { return path.top() == name; };
  return std::ranges::any_of(form.fields, begins) || std::ranges::any_of(form.marks, begins);
}

bool knows(const TaskForm& form, std::string_view name) {
  return requires_field(form, name) || std::ranges::find(form.known, name) != form.known.end();
}

// Whether a field tells what a line is about, which is so if some task requires it.
bool tells(std::string_view name, std::span<const TaskDefinition> tasks) {
  return std::ranges::any_of(tasks, [name](const TaskDefinition& task) {
    return std::ranges::any_of(task.forms,
                               [name](const TaskForm& form) { return requires_field(form, name); });
  });
}

std::optional<std::string> missing_field(const std::vector<FieldPath>& fields, const JsonValue& line) {
  const nlohmann::json& json = line.raw();
  for (const FieldPath& path : fields)
    if (!path.is_in(json)) return fmt::format("no {}", path.text());
  return std::nullopt;
}

std::optional<std::string> contradiction(const TaskForm& form, const JsonValue& line,
                                         std::span<const TaskDefinition> tasks) {
  const nlohmann::json& json = line.raw();
  for (const auto& [name, value] : json.items()) {
    if (knows(form, name)) continue;
    if (form.strict) return fmt::format("has another field, {}", name);
    if (tells(name, tasks)) return fmt::format("has {}, which it does not know", name);
  }
  for (const FieldPath& path : form.refuse)
    if (path.is_in(json)) return fmt::format("has {}", path.text());
  for (const FieldPattern& pattern : form.where) {
    if (!pattern.path.is_in(json)) return fmt::format("no {}", pattern.path.text());
    bool is_list = false;
    for (const JsonValue& field : pattern.path.follow(line, is_list))
      if (!field.is_text() || pattern.pattern.found_in(field.text()).empty())
        return fmt::format("{} is not {}", pattern.path.text(), pattern.about);
  }
  return std::nullopt;
}

std::string normalised(std::string_view name) {
  std::string result;
  for (const char c : name)
    if (c != '-' && c != '_' && c != ' ')
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool file_is_named_after(const std::filesystem::path& file, const TaskDefinition& task) {
  const std::string stem = normalised(file.stem().string());
  return stem.starts_with(normalised(task.name)) ||
         std::ranges::any_of(task.aliases,
                             [&](const std::string& alias) { return stem.starts_with(normalised(alias)); });
}

std::string field_names(const JsonValue& line) {
  std::string names;
  for (const auto& [name, value] : line.raw().items())
    names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "no fields" : names;
}

std::string names_of(const std::vector<TaskMatch>& matches) {
  std::string names;
  for (const TaskMatch& match : matches)
    names += (names.empty() ? "" : ", ") + match.task->name;
  return names;
}

// Lists the tasks that nearly fit, with the reason why they do not: all of their fields are there, but
// something contradicts. The user's own tasks are always listed.
std::string near_misses(const JsonValue& line, std::span<const TaskDefinition> tasks) {
  std::string list;
  for (const TaskDefinition& task : tasks)
    for (const TaskForm& form : task.forms) {
      const auto missing = missing_field(form.fields, line);
      if (missing && task.own) list += fmt::format("\n      {}: {}", task.name, *missing);
      if (missing) continue;
      const std::string reason = form.recognition == Recognition::never
                                     ? std::string("only if the task is named")
                                     : misfit(form, line, false, tasks).value_or("not by this file's name");
      list += fmt::format("\n      {}: {}", task.name, reason);
    }
  return list;
}

std::string all_names(std::span<const TaskDefinition> tasks) {
  std::string list;
  for (const TaskDefinition& task : tasks)
    list += (list.empty() ? "" : ", ") + task.name;
  return list;
}

[[noreturn]] void refuse_unknown(const JsonValue& line, std::span<const TaskDefinition> tasks,
                                 const std::filesystem::path& file) {
  const std::string near = near_misses(line, tasks);
  throw InputError({.where = line.where(),
                    .what = "the fields fit no known data set",
                    .expected = "the fields of one of " + all_names(tasks) +
                                (near.empty() ? "" : "; near, but not recognised:" + near),
                    .found = field_names(line),
                    .next = fmt::format(
                        "name the task with --task NAME:{}, or describe the data set in a task file and give "
                        "--task-file (docs/tasks.md)",
                        file.filename().string())});
}

}  // namespace

std::optional<std::string> misfit(const TaskForm& form, const JsonValue& line, bool named,
                                  std::span<const TaskDefinition> tasks) {
  if (auto reason = missing_field(form.fields, line)) return reason;
  if (named) return std::nullopt;
  if (auto reason = missing_field(form.marks, line)) return reason;
  return contradiction(form, line, tasks);
}

namespace {

// Why a line does not fit a user's own task, which needs no recognising: its fields, and what the task's file
// says that a line must not be.
std::optional<std::string> own_misfit(const TaskForm& form, const JsonValue& line) {
  if (auto reason = misfit(form, line, true, {})) return reason;
  return contradiction(form, line, {});
}

// The forms that fit by the strongest available evidence: the user's own tasks, else the file's name, else
// the fields.
std::vector<TaskMatch> fitting_forms(const JsonValue& line, std::span<const TaskDefinition> tasks,
                                     const std::filesystem::path& file) {
  std::vector<TaskMatch> own;
  std::vector<TaskMatch> by_name;
  std::vector<TaskMatch> by_fields;
  for (const TaskDefinition& task : tasks)
    for (const TaskForm& form : task.forms) {
      if (task.own ? own_misfit(form, line) : misfit(form, line, false, tasks)) continue;
      if (task.own) {
        own.push_back({&task, &form, true});
        break;
      }
      if (form.recognition == Recognition::fields) by_fields.push_back({&task, &form});
      if (form.recognition == Recognition::file_name && file_is_named_after(file, task))
        by_name.push_back({&task, &form});
    }
  if (!own.empty()) return own;
  return by_name.empty() ? by_fields : by_name;
}

}  // namespace

TaskMatch recognise(const JsonValue& line, std::span<const TaskDefinition> tasks,
                    const std::filesystem::path& file) {
  const std::vector<TaskMatch> fitting = fitting_forms(line, tasks, file);
  if (fitting.size() == 1) return fitting.front();
  if (fitting.empty()) refuse_unknown(line, tasks, file);
  throw InputError({.where = line.where(),
                    .what = "the fields fit several data sets",
                    .expected = "one of " + names_of(fitting),
                    .found = field_names(line),
                    .next = fmt::format("name the one that you mean: --task {}:{}",
                                        fitting.front().task->name, file.filename().string())});
}

TaskMatch fit_named(const JsonValue& line, const TaskDefinition& task) {
  std::vector<std::string> reasons;
  for (const TaskForm& form : task.forms) {
    const auto reason = task.own ? own_misfit(form, line) : misfit(form, line, true, {});
    if (!reason) return {&task, &form, true};
    if (std::ranges::find(reasons, *reason) == reasons.end()) reasons.push_back(*reason);
  }
  throw InputError({.where = line.where(),
                    .what = fmt::format("the line does not fit the task {}", task.name),
                    .expected = "the fields that its task file asks for (" + task.path.string() + ")",
                    .found = fmt::format("{} (fields: {})", fmt::join(reasons, "; or "), field_names(line))});
}

}  // namespace toptheta
